import {
  formatObjectKey,
  formatRunPrefix,
  type ObjectKey,
  parseKnownKey,
  type RunId,
} from '../../../shared/object-store/object-key.ts';
import { list, listZoneObjects, type ZoneObject } from '../../objects/list-objects.ts';
import { readObjectLines } from '../../objects/object-lines.ts';
import { parseTableOption } from '../../options/named-tables.ts';
import { tablesOf } from '../../site/ledger.ts';
import type { Site } from '../../site/site.ts';
import { UsageError } from '../../terminal/usage-error.ts';
import type { ObjectAnswer, ShownObject } from './api.ts';

const shownLines = 20;
const shownObjects = 400;

/** The objects of one run, in both zones. */
export async function answerObjects(
  site: Site,
  run: RunId,
): Promise<{ objects: ZoneObject[]; hasMore: boolean }> {
  const selection = {
    tables: parseTableOption(undefined, site.model),
    zones: ['ingested', 'processed'] as const,
    run,
  };
  const { objects, hasMore } = await listZoneObjects(site, selection, {
    limit: shownObjects,
    now: new Date(),
  });
  return { objects: objects.map(({ quarantined: _, ...object }) => object), hasMore };
}

/**
 * Reads an object and its counterparts in the other zone: of a processed object the one that it was made from, of an
 * ingested one those that were made from it, in their newest revisions.
 *
 * @throws {UsageError} the key is none
 */
export async function answerObject(site: Site, name: string): Promise<ObjectAnswer> {
  const key = parseKnownKey(name);
  if (key === undefined) throw new UsageError(`${name} is not the key of an object`);
  const others = await (key.zone === 'processed' ? findIngested(site, key) : findProcessed(site, key));
  const [shown, ...counterparts] = await Promise.all(
    [{ name, key }, ...others].map((each) => readShown(site, each)),
  );
  if (shown?.rows == null && shown?.problem === null)
    throw new UsageError(`the ${key.zone} zone has no object ${name}`);
  return { shown: shown as ShownObject, others: counterparts };
}

interface NamedKey {
  name: string;
  key: ObjectKey;
}

/** A date comes with the object of whichever table names it: that is one of all sources. */
async function findIngested(
  { model, ingested }: Site,
  { table, run, slice }: ObjectKey,
): Promise<NamedKey[]> {
  const known = model.tables.find((each) => each.name === table);
  if (known !== undefined && known.kind !== 'calendar') return [nameIngested(known.source.name, run, slice)];
  const candidates = model.sources.map(({ name }) => nameIngested(name, run, slice));
  const found = await Promise.all(
    candidates.map(async (each) => (await ingested.head(each.name)) !== undefined),
  );
  return candidates.filter((_, index) => found[index]);
}

function nameIngested(table: string, run: ObjectKey['run'], slice: ObjectKey['slice']): NamedKey {
  const key: ObjectKey = { zone: 'ingested', table, run, slice };
  return { name: formatObjectKey(key), key };
}

async function findProcessed(site: Site, { table, run, slice }: ObjectKey): Promise<NamedKey[]> {
  const found = await Promise.all(
    tablesOf(table, site.model).map(async (made) => {
      const objects = (await list(site.processed, formatRunPrefix(made, run))).filter(
        ({ parsed }) => parsed.slice === slice,
      );
      const newest = objects.toSorted((a, b) => revisionOf(b.parsed) - revisionOf(a.parsed))[0];
      return newest === undefined ? [] : [{ name: newest.key, key: newest.parsed }];
    }),
  );
  return found.flat();
}

const revisionOf = (key: ObjectKey): number => (key.zone === 'processed' ? key.revision : 0);

async function readShown(site: Site, { name, key }: NamedKey): Promise<ShownObject> {
  const { zone, table, run } = key;
  const object = await site[zone].get(name);
  const shown: ShownObject = {
    zone,
    table,
    key: name,
    run,
    rows: null,
    bytes: null,
    lines: [],
    problem: null,
  };
  if (object === undefined) return shown;
  shown.bytes = object.body.byteLength;
  try {
    const lines = await readObjectLines(key, name, object.body);
    return { ...shown, rows: lines.count, lines: [...lines.take(shownLines)] };
  } catch (error) {
    return { ...shown, problem: error instanceof Error ? error.message : String(error) };
  }
}

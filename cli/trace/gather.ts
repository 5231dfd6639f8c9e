import pg from 'pg';
import { formatSlicePrefix, parseKnownKey } from '../../shared/object-store/object-key.ts';
import type { ListedObject, ObjectStore } from '../../shared/object-store/object-store.ts';
import { tablesIn } from '../../shared/postgres/lock-holder.ts';
import { readNewestPlans } from '../../shared/records/plan/plan-records.ts';
import type { QuarantinedRow } from '../../shared/records/quarantine-file.ts';
import { withClient } from '../database/with-client.ts';
import { type Failure, groupFailures, listFailures } from '../failures/list-failures.ts';
import { type FoundLine, readObjectLines, type WantedField } from '../objects/object-lines.ts';
import { listQuarantine } from '../quarantine/list-quarantine.ts';
import type { Site } from '../site/site.ts';
import { type Answer, askPart, type Lockable } from '../status/evidence/ask.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { findCapturedTables, type Plans, readPlans, withMovedFarSides } from '../verify/captured-tables.ts';
import { isCaptured, makeIsLate, readXmax } from '../verify/evidence.ts';
import { type ExplainedWait, readWaiting } from '../waiting/explain-waits.ts';
import { readSourceState, readWarehouseState, type SourceState, type WarehouseState } from './read-sides.ts';
import type { TracedFailure, TracedObject, TracedQuarantine } from './trace.ts';
import type { TracedKey } from './traced-key.ts';

/** What both databases say of a key. */
export interface SidesAnswer {
  warehouse: Answer<WarehouseState>;
  source: Answer<SourceState>;
  /** ISO 8601: what was committed by then must be loaded; null where that is not known. */
  asOf: string | null;
  /** false where nothing says which rows are late: no plan is known, or it was of another life of the source. */
  isJudged: boolean;
}

/** Work that older plans have left, sweeps find. */
const newestPlans = 500;

/**
 * Asks the databases, the source last: it then shows the latest state of all that the warehouse can have.
 *
 * @param judgesLateness whether to read what was planned as well, which takes longer
 * @throws {UsageError} the key is not of its column's type
 */
export async function askSides(
  site: Site,
  key: TracedKey,
  { now, judgesLateness }: { now: Date; judgesLateness: boolean },
): Promise<SidesAnswer> {
  const { model, warehouseSchema: schema } = site;
  const plans = judgesLateness ? await readPlansOrNone(site, now) : undefined;
  let isJudged = false;
  let captured: Awaited<ReturnType<typeof findCapturedTables>> = new Map();
  const invalid: string[] = [];
  const orInvalid = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      if (isInvalidText(error)) invalid.push((error as Error).message);
      throw error;
    }
  };
  const warehouse = await askPart(
    site,
    ({ connectWarehouse }) =>
      withClient(connectWarehouse(), async (client) => {
        const state = await orInvalid(readWarehouseState(client, key, { model, schema }));
        if (plans !== undefined)
          captured = await findCapturedTables(plans, { site, warehouse: client, model });
        return state;
      }),
    warehouseLock(key, schema),
  );
  const source = await askPart(
    site,
    async ({ connectSource }) => {
      if (connectSource === undefined) throw new Error('it cannot be reached from here');
      return withClient(connectSource(), (client) =>
        orInvalid(
          readSourceState(client, key, async (asked) => {
            isJudged = plans !== undefined && (await isCaptured(asked, plans.state.identity));
            if (!isJudged || plans === undefined) return () => 'false';
            const known = await withMovedFarSides(asked, captured, plans.state, model);
            return makeIsLate(known, await readXmax(asked));
          }),
        ),
      );
    },
    sourceLock(key),
  );
  if (invalid[0] !== undefined) throw new UsageError(describeInvalid(key, invalid[0]));
  return { warehouse, source, asOf: captured.get(key.table.source.name)?.asOf ?? null, isJudged };
}

const warehouseLock = ({ table }: TracedKey, schema: string): Lockable => ({
  side: 'warehouse',
  tables: tablesIn(schema, [table.name]),
});

const sourceLock = ({ table: { source } }: TracedKey): Lockable => ({
  side: 'source',
  tables: [{ schema: source.schema ?? 'public', table: source.table, name: source.name }],
});

async function readPlansOrNone(site: Site, now: Date): Promise<Plans | undefined> {
  const read = await askPart(site, (watched) =>
    readPlans(watched, now, (at) => readNewestPlans(watched.ingested, at, newestPlans)),
  );
  return read.answered ? read.value : undefined;
}

/** Class 22, data exception: the text cannot be read as the column's type. */
const isInvalidText = (error: unknown): boolean =>
  error instanceof pg.DatabaseError && error.code?.startsWith('22') === true;

const describeInvalid = ({ table, values }: TracedKey, reason: string): string =>
  `${values.map(({ text }) => text).join(',')} is not a key of ${table.name} (${table.key.join(',')}): ${reason}`;

/** Why the dimension rows are not there that rows of the fact wait for. */
export async function readCauses(site: Site, { table }: TracedKey): Promise<ExplainedWait[]> {
  if (table.kind !== 'fact') return [];
  const waits = await askPart(site, (watched) => readWaiting(watched, site.model, { facts: [table] }));
  return waits.answered ? waits.value : [];
}

/** The rows of the key that are in quarantine. */
export const askQuarantine = (site: Site, key: TracedKey): Promise<Answer<TracedQuarantine[]>> =>
  askPart(site, async (watched) => {
    const files = await listQuarantine(watched, site.model, [key.table.name]);
    return files.flatMap(({ file, ingested, rows }) =>
      rows
        .filter((row) => isOfKey(row, key))
        .map(({ line, column, reason }) => ({ file, ingestedKey: ingested, line, column, reason })),
    );
  });

/** By the row's own text where it has one: the file names a row by the source's key, and the table may have another. */
function isOfKey({ key, row }: QuarantinedRow, traced: TracedKey): boolean {
  const wanted = traced.values.map(({ text }) => text);
  const fields = fieldsOf(traced);
  try {
    const values = JSON.parse(row ?? '') as Record<string, unknown>;
    if (fields.every(({ field }) => field in values))
      return fields.every(({ field, texts }) => texts.includes(String(values[field])));
  } catch {
    // It may be in quarantine because it is not JSON, or there was no room for it.
  }
  const own = (Array.isArray(key) ? key : [key]).map(String);
  return own.length === wanted.length && own.every((text, index) => text === wanted[index]);
}

/** The fields of an ingested line that have the key. */
export const fieldsOf = ({ table, values }: TracedKey): WantedField[] =>
  values.flatMap(({ column, text }) => {
    const field = table.columns.find(({ name }) => name === column)?.from.field;
    return field === undefined ? [] : [{ field, texts: formsOf(text) }];
  });

/** A timestamp stands with a T in the zones. */
const formsOf = (text: string): string[] => [
  ...new Set([
    text,
    text.replace(/^(\d{4,}-\d\d-\d\d) /, '$1T'),
    text.replace(/^(\d{4,}-\d\d-\d\d) (.*)\+00$/, '$1T$2+00:00'),
  ]),
];

/** More objects than these are not looked into: one takes a moment to read. */
const mostObjects = 3;

/** What has failed for good of the table, and whether it has the row. */
export const askFailures = (site: Site, key: TracedKey): Promise<Answer<TracedFailure[]>> =>
  askPart(site, async (watched) => {
    const { name, source } = key.table;
    const failures = await listFailures(watched, { tables: { sources: [source.name], tables: [name] } });
    const newest = failures.toReversed();
    return Promise.all(
      newest.map(async (failure, index) => describeFailure(watched, key, failure, index < mostObjects)),
    );
  });

async function describeFailure(
  site: Site,
  key: TracedKey,
  failure: Failure,
  looksInside: boolean,
): Promise<TracedFailure> {
  const { queue, reason, failedAt } = failure;
  const objectKey = queue === 'extract' ? null : (failure.key ?? null);
  const found =
    looksInside && objectKey !== null
      ? await findRow(site, key, objectKey).catch(() => undefined)
      : undefined;
  const hasRow = found === undefined ? null : found !== null;
  const [group] = groupFailures([failure], site);
  return { queue, reason, failedAt, objectKey, hasRow, command: group?.mend ?? '' };
}

/** @returns null where the object does not have the row; undefined where there is no such object */
async function findRow(
  site: Pick<Site, 'ingested' | 'processed'>,
  traced: TracedKey,
  name: string,
): Promise<FoundLine | null | undefined> {
  const key = parseKnownKey(name);
  if (key === undefined) return undefined;
  const object = await (key.zone === 'ingested' ? site.ingested : site.processed).get(name);
  if (object === undefined) return undefined;
  const lines = await readObjectLines(key, name, object.body);
  const wanted =
    key.zone === 'ingested'
      ? fieldsOf(traced)
      : traced.values.map(({ column, text }) => ({ field: column, texts: formsOf(text) }));
  return lines.find(wanted) ?? null;
}

/**
 * Completes what the ledger says of objects by what is in S3: when they were put, and the row's line in each.
 *
 * @returns why it could not be asked; undefined where it was
 */
export async function completeObjects(
  site: Site,
  traced: TracedKey,
  objects: readonly TracedObject[],
): Promise<string | undefined> {
  const newest = new Set(objects.map(({ key }) => key).slice(0, mostObjects));
  const answer = await askPart(site, async (watched) => {
    const done = new Map<string, Promise<Partial<TracedObject>>>();
    for (const object of objects) {
      const known = done.get(object.key) ?? describeObject(watched, traced, object, newest.has(object.key));
      done.set(object.key, known);
      Object.assign(object, await known);
    }
  });
  return answer.answered ? undefined : answer.reason;
}

async function describeObject(
  site: Site,
  traced: TracedKey,
  { key, ingestedKey, run, slice }: TracedObject,
  looksInside: boolean,
): Promise<Partial<TracedObject>> {
  const { source } = traced.table;
  const [ingested, processed] = await Promise.all([
    findObject(site.ingested, formatSlicePrefix({ table: source.name, run, slice }), ingestedKey),
    findObject(site.processed, key, key),
  ]);
  const times = {
    extractedAt: ingested?.lastModified.toISOString() ?? null,
    transformedAt: processed?.lastModified.toISOString() ?? null,
  };
  if (!looksInside) return times;
  const find = (name: string) => findRow(site, traced, name).catch(() => undefined);
  const [ingestedLine, processedLine] = await Promise.all([find(ingestedKey), find(key)]);
  return { ...times, ingestedLine: ingestedLine ?? null, processedLine: processedLine ?? null };
}

async function findObject(
  store: Pick<ObjectStore, 'list'>,
  prefix: string,
  key: string,
): Promise<ListedObject | undefined> {
  for await (const object of store.list(prefix)) if (object.key === key) return object;
  return undefined;
}

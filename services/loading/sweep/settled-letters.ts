import type pg from 'pg';
import { ledgerTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import type { Model } from '../../../shared/model/model.ts';
import { type ObjectKey, parseObjectKey } from '../../../shared/object-store/object-key.ts';
import { parseLeastRevision } from '../../../shared/queue/least-revision.ts';
import { parseObjectCreated } from '../../../shared/queue/object-created.ts';
import type { SweptLetter } from '../../../shared/sweep/settle-letters.ts';

/** An object of a warehouse table that has to be in the ledger. */
interface WantedEntry {
  table: string;
  run: string;
  slice: string;
  /** In this revision, or a later one. */
  revision: number;
  /** ISO 8601: loaded since then; undefined where it does not matter. */
  since: string | undefined;
}

/**
 * Says of each dead letter of the transform or the load queue whether its own object is loaded: in its revision or a later
 * one, and for a replay after the letter had failed, because the ledger knew the object before. Nothing is left to do for a
 * table that has left the model.
 *
 * A later full extract of the table is not enough: it does not have the older versions of a fact.
 *
 * @param client the warehouse's
 */
export async function areLoaded(
  client: pg.ClientBase,
  model: Model,
  letters: readonly SweptLetter[],
): Promise<boolean[]> {
  const wanted = letters.map((letter) => listWanted(letter, model));
  const runs = [...new Set(wanted.flatMap((entries) => (entries ?? []).map(({ run }) => run)))];
  const { rows } = await client.query<{ id: string; revision: number; loadedAt: Date }>(
    `select warehouse_table || ' ' || run || '-' || slice as id, revision, loaded_at as "loadedAt"
       from ${ledgerTable} where run = any($1)`,
    [runs],
  );
  const entries = Map.groupBy(rows, ({ id }) => id);
  const isLoaded = ({ table, run, slice, revision, since }: WantedEntry): boolean =>
    (entries.get(`${table} ${run}-${slice}`) ?? []).some(
      (entry) =>
        entry.revision >= revision && (since === undefined || entry.loadedAt.getTime() > Date.parse(since)),
    );
  return wanted.map((entries) => entries?.every(isLoaded) === true);
}

/** @returns undefined for a body that names no object: nothing shows that its work is done */
function listWanted({ body, attributes }: SweptLetter, model: Model): WantedEntry[] | undefined {
  try {
    const least = parseLeastRevision(attributes.leastRevision);
    const since = attributes.replay === undefined ? undefined : attributes.failedAt;
    const references = parseObjectCreated(body);
    if (references.length === 0) return undefined;
    return references.flatMap(({ key }) => {
      const parsed = parseObjectKey(key);
      const { run, slice } = parsed;
      const revision = parsed.zone === 'processed' ? parsed.revision : least;
      return tablesOf(parsed, model).map((table) => ({ table, run, slice, revision, since }));
    });
  } catch {
    return undefined;
  }
}

const tablesOf = ({ zone, table }: ObjectKey, { tables, sources }: Model): readonly string[] =>
  zone === 'processed'
    ? tables.flatMap(({ name }) => (name === table ? [name] : []))
    : (sources.find(({ name }) => name === table)?.feeds ?? []);

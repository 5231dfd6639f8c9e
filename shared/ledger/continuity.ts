import type pg from 'pg';
import type { Model } from '../model/model.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { type LedgerEntry, type Loaded, readLoaded, writeLoaded } from '../records/loaded.ts';
import { ledgerTable } from './schema/ledger-schema.ts';
import { findWholeTables } from './whole-tables.ts';

/** How a ledger that has gone back differs from the one before. */
export interface LedgerGap {
  /** Entries that have vanished, at least. */
  missing: number;
  /** When its newest entry was made, ISO 8601; null if it is empty. */
  wentBackTo: string | null;
}

/** Such as "the warehouse has gone back to 2026-11-29T20:00:00.000000Z: 79 objects are missing". */
export const describeGap = ({ missing, wentBackTo }: LedgerGap): string =>
  `the warehouse has gone back ${wentBackTo === null ? 'to nothing' : `to ${wentBackTo}`}: at least ${missing} ${
    missing === 1 ? 'object is' : 'objects are'
  } missing`;

export interface Continuity {
  /** undefined if the ledger has lost nothing. */
  gap: LedgerGap | undefined;
  /** What was remembered, as it was read. */
  known: { loaded: Loaded; etag: string } | undefined;
}

/**
 * Compares the ledger with what is remembered of it (`state/loaded.json`).
 *
 * The newest entry alone is not enough: a load that got its id earlier may have committed later, and a backup may lie
 * between the two. The greatest id alone is not enough either, once later loads have gone beyond it.
 *
 * @param warehouse has the ledger
 * @throws {TerminalError} `state/loaded.json` is not what Starlift writes
 */
export async function checkContinuity(
  warehouse: pg.ClientBase,
  ingested: Pick<ObjectStore, 'get'>,
): Promise<Continuity> {
  const known = await readLoaded(ingested);
  return { known, gap: known && (await findGap(warehouse, known.loaded)) };
}

/**
 * Remembers the ledger as it is now. What it lacks must be on a queue by then, because later checks do not notice it
 * again.
 *
 * @param continuity from an earlier check; if another process has remembered the ledger since, its record stays
 */
export async function rememberLedger(
  warehouse: pg.ClientBase,
  ingested: Pick<ObjectStore, 'get' | 'replace'>,
  { gap, known }: Continuity,
  model: Model,
): Promise<void> {
  const newest = await selectNewest(warehouse);
  const isKnown = known?.loaded.whole !== undefined && newest?.id === known.loaded.newest?.id;
  if (gap === undefined && isKnown) return;
  const before = gap === undefined ? (known?.loaded.whole ?? []) : [];
  const whole = newest === undefined ? [] : await findWholeTables(warehouse, ingested, model, before);
  const loaded = await selectLoaded(warehouse, newest, known?.loaded.generation ?? '0');
  await writeLoaded(ingested, { ...loaded, whole }, known?.etag);
}

async function findGap(
  warehouse: pg.ClientBase,
  { newest, entries }: Loaded,
): Promise<LedgerGap | undefined> {
  if (newest === null) return undefined;
  const { rows } = await warehouse.query<{ has: boolean; entries: number; newestAt: string | null }>(
    `select exists (select from ${ledgerTable}
                     where object_id = $1 and key = $2 and entered_at = $3::timestamptz) as has,
            (select count(*)::float8 from ${ledgerTable} where object_id <= $1) as entries,
            (select ${inUtc('max(loaded_at)')} from ${ledgerTable}) as "newestAt"`,
    [newest.id, newest.key, newest.enteredAt],
  );
  const [found] = rows;
  if (found === undefined || (found.has && found.entries >= entries)) return undefined;
  return { missing: Math.max(1, entries - found.entries), wentBackTo: found.newestAt };
}

async function selectNewest(warehouse: pg.ClientBase): Promise<LedgerEntry | undefined> {
  const { rows } = await warehouse.query<LedgerEntry>(
    `select object_id::text as id, key, ${inUtc('entered_at')} as "enteredAt"
       from ${ledgerTable} order by object_id desc limit 1`,
  );
  return rows[0];
}

async function selectLoaded(
  warehouse: pg.ClientBase,
  newest: LedgerEntry | undefined,
  generation: string,
): Promise<Loaded> {
  if (newest === undefined) return { newest: null, entries: 0, generation };
  const { rows } = await warehouse.query<{ entries: number; generation: string }>(
    `select count(*)::float8 as entries, greatest($2::int8, max(generation))::text as generation
       from ${ledgerTable} where object_id <= $1`,
    [newest.id, generation],
  );
  return { newest, entries: rows[0]?.entries ?? 0, generation: rows[0]?.generation ?? generation };
}

const inUtc = (instant: string): string =>
  `to_char(${instant} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

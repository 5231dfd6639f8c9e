import type pg from 'pg';
import { censusTableOf } from '../../../shared/census/census-table.ts';
import { describeLoss } from '../../../shared/census/loss.ts';
import type { Verdict } from '../../../shared/census/verdict.ts';
import { enterDeletion } from '../../../shared/ledger/censuses.ts';
import { censusTable, ledgerTable, parkedTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import { changeRows } from '../../../shared/ledger/table-counts.ts';
import type { Dimension, Fact, Model } from '../../../shared/model/model.ts';
import type { RunId } from '../../../shared/object-store/object-key.ts';
import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import { inTransaction } from '../../../shared/postgres/transaction.ts';
import type { SliceId } from '../../../shared/records/plan/slices.ts';
import { assertNotLater } from '../../../shared/warehouse/adopt-model.ts';
import { matches } from '../../../shared/warehouse/is-newer.ts';
import { deletedByColumn, objectIdColumn } from '../../../shared/warehouse/warehouse-schema.ts';
import { limitWaiting } from '../limit-waiting.ts';
import { enterInLedger } from '../load/enter-in-ledger.ts';
import type { ProcessedObject } from '../load/read-processed.ts';
import { copyRows, createStaging, type LoadTarget, warehouseTarget } from '../rows/put-rows.ts';
import { versionColumns, versionParameters, versionValues } from './late-rows.ts';
import {
  type AppliedCensus,
  decides,
  isCovered,
  isSameRange,
  noteCensus,
  rangeOf,
  selectNewer,
} from './newest-censuses.ts';

// A census is a set of versioned absences. Claim: whether a row is marked depends on neither the order nor the repetition of
// loads and censuses. For each row the newest applied census decides that is newer and in whose range its key lies: the row is
// marked if the census does not have its key.

export interface CensusDeps {
  model: Model;
  schema: string;
  modelNumber?: number;
  looked?: number;
  /** What an operator has decided; absent where nobody can. */
  readVerdict?(census: { run: RunId; slice: SliceId }): Promise<Verdict | undefined>;
}

/** What a census has to say to its load's caller. */
export interface CensusResult {
  key: ProcessedObject['key'];
  outcome: 'loaded' | 'already loaded';
  rows: number;
  waiting: 0;
  quarantined: 0;
  released: 0;
  releases: [];
  census?: AppliedCensus;
}

/**
 * Marks the rows whose keys the census does not have, and clears the marks of those that it has; and enters the census in the
 * ledger. In one transaction that nobody writes to the table beside: a load that had looked at the ledger before would not see
 * the census, nor the census its rows.
 *
 * @param replay applies it once more
 */
export async function commitCensus(
  client: pg.PoolClient,
  object: ProcessedObject,
  { model, schema, modelNumber = 0, looked = modelNumber, readVerdict }: CensusDeps,
  replay: string | undefined,
): Promise<CensusResult> {
  const { key, table, metadata } = object;
  // Before any lock. Few censuses are held, and the first of a table may be, once its rows are looked at.
  const isFirst = metadata.census?.previous === undefined;
  const mayBeHeld = metadata.census?.held !== undefined || isFirst || replay !== undefined;
  const verdict = mayBeHeld ? await readVerdict?.(key) : undefined;
  const result = { key, rows: metadata.rows, waiting: 0, quarantined: 0, released: 0, releases: [] } as const;
  return inTransaction(client, async (): Promise<CensusResult> => {
    await limitWaiting(client, {
      written: [quoteQualified(schema, table.name)],
      held: { tables: [table.name], as: 'census' },
    });
    // What it has are keys, and no rows of the table.
    const entered = { key, metadata: { ...metadata, rows: 0, quarantined: 0 } };
    const entry = await enterInLedger(client, entered, { replay, written: [table.name], schema });
    if (entry === undefined) return { ...result, outcome: 'already loaded', releases: [] };
    if (modelNumber > 0) assertNotLater(entry.modelNumber, looked);
    const census = await decide(client, object, {
      model,
      schema,
      objectId: entry.objectId,
      isMarked: entry.marked.includes(table.name),
      verdict,
    });
    await noteCensus(client, object, entry.objectId, census);
    await enterDeletion(client, { table: table.name, objectId: entry.objectId, rows: census.marked });
    return { ...result, outcome: 'loaded', releases: [], census };
  });
}

interface RowsDecision extends Decision {
  /** SQL: no newer census decides for the row. */
  isDecided(row: string): string;
}

interface Decision {
  model: Model;
  schema: string;
  objectId: string;
  isMarked: boolean;
  verdict: Verdict | undefined;
}

async function decide(
  client: pg.PoolClient,
  object: ProcessedObject,
  decision: Decision,
): Promise<AppliedCensus> {
  const nothing = { marked: 0, cleared: 0 };
  const { table } = object;
  if (table.kind === 'calendar') throw new TypeError(`${table.name} is made of dates, not of a source`);
  if (table.deletes === 'keep') return { state: 'kept', ...nothing };
  if (!decision.isMarked && table.deletes === 'mark') return { state: 'unmarked', ...nothing };
  const range = rangeOf(object.metadata.census);
  const newer = await selectNewer(client, object);
  if (isCovered(range, newer)) return { state: 'covered', ...nothing };
  if (decision.verdict === 'dismiss') return { state: 'dismissed', ...nothing };
  const { held, previous } = object.metadata.census ?? {};
  const isApproved = decision.verdict === 'apply' || !table.source.isGuarded;
  if (held !== undefined && !isApproved) return { state: 'held', reason: held, ...nothing };
  const before = await selectPrevious(client, object);
  if (before === 'held' && !isApproved) {
    return { state: 'held', reason: 'the census before it is held', ...nothing };
  }
  await stageKeys(client, table, object, decision);
  const isDecided = decides(table, range, newer);
  // Nothing was ever compared with: only the warehouse shows how many rows it would mark.
  const isFirst = previous === undefined || before === 'dismissed';
  // Once: what comes in later and is older does not change the judgement.
  const isJudged = isApproved || !isFirst || (await isApplied(client, decision.objectId));
  const loss = !isJudged ? await findLoss(client, table, object, { ...decision, isDecided }) : undefined;
  if (loss !== undefined) return { state: 'held', reason: loss, ...nothing };
  return { state: 'applied', ...(await markRows(client, table, object, { ...decision, isDecided })) };
}

async function isApplied(client: pg.ClientBase, objectId: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from ${censusTable} where object_id = $1 and state = 'applied'`,
    [objectId],
  );
  return rowCount === 1;
}

/** What has become of the census that this one was judged against, where this warehouse knows it. */
async function selectPrevious(
  client: pg.ClientBase,
  { table, metadata }: ProcessedObject,
): Promise<string | undefined> {
  const { previous, previousSlice } = metadata.census ?? {};
  if (previous === undefined) return undefined;
  const { rows } = await client.query<{ state: string }>(
    `select c.state from ${censusTable} c join ${ledgerTable} o using (object_id)
      where c.warehouse_table = $1 and o.run = $2 and ($3::text is null or o.slice = $3)
      order by o.revision desc limit 1`,
    [table.name, previous, previousSlice ?? null],
  );
  return rows[0]?.state;
}

/**
 * Rows that are newer than the census count as keys that are there: they may have been read in its own snapshot.
 *
 * @returns why it is to be held, as a clause
 */
async function findLoss(
  client: pg.ClientBase,
  table: Dimension | Fact,
  { metadata }: ProcessedObject,
  { schema, isMarked, isDecided }: RowsDecision,
): Promise<string | undefined> {
  const { table: target, key } = keysTarget(table, schema);
  const list = key.map((column) => `t.${column}`).join(', ');
  const unmarked = isMarked ? ` and t.${deletedBy} is null` : '';
  const { rows } = await client.query<{ lost: number; older: number; keys: number }>(
    // An anti-join: as a condition of the count the planner may look through all keys of the census for each row.
    `with known as materialized (
       select ${list}, bool_or(${isOlder('t')}) as is_older from ${target} t
        where ${isDecided('t')}${unmarked} group by ${list})
     select (select count(*) from known)::float8 as keys,
            (select count(*) from known where is_older)::float8 as older,
            (select count(*) from known t where is_older and not ${isThere(key, 't')})::float8 as lost`,
    versionValues(metadata.version),
  );
  const { lost = 0, older = 0, keys = 0 } = rows[0] ?? {};
  const isWhole = isSameRange(rangeOf(metadata.census), {});
  return describeLoss(lost, keys, { isWhole, newer: keys - older });
}

async function stageKeys(
  client: pg.PoolClient,
  table: Dimension | Fact,
  { batches }: ProcessedObject,
  { schema, objectId }: Decision,
): Promise<void> {
  const keys = keysTarget(table, schema);
  await createStaging(client, keys, staging);
  await copyRows(client, keys, staging, { batches, objectId });
  // The planner takes most rows for newer than the census, and would look for each of the others in all of its keys.
  await client.query(`analyze ${staging}; set local enable_nestloop = off`);
}

/** SQL: the row's own version is lower than that of the first four parameters. One that the ledger does not know is. */
const isOlder = (row: string): string => `not exists (
  select from ${ledgerTable} o
   where o.object_id = ${row}.${quoteIdentifier(objectIdColumn)} and ${versionColumns('o')} >= ${versionParameters(1)})`;

/** SQL: the census has the row's key. */
const isThere = (key: readonly string[], row: string): string =>
  `exists (select from ${staging} k where ${matches(key, 'k', row)})`;

async function markRows(
  client: pg.PoolClient,
  table: Dimension | Fact,
  { metadata }: ProcessedObject,
  { schema, objectId, isMarked, isDecided }: RowsDecision,
): Promise<{ marked: number; cleared: number }> {
  const { table: own, key } = keysTarget(table, schema);
  // Rows that wait for a dimension row are deleted like any other.
  const targets = table.kind === 'fact' ? [own, parkedTable(table.name)] : [own];
  const version = versionValues(metadata.version);
  const counts = { marked: 0, cleared: 0 };
  for (const target of targets) {
    if (table.deletes === 'remove') {
      // Also those that are marked, from a time in which they were not removed.
      const removed = await client.query(
        `delete from ${target} t where ${isDecided('t')} and ${isOlder('t')} and not ${isThere(key, 't')}`,
        version,
      );
      const rows = removed.rowCount ?? 0;
      counts.marked += rows;
      if (target === own) await changeRows(client, table.name, -rows, 'deleted in the source');
      if (!isMarked) continue;
    } else {
      const marked = await client.query(
        `update ${target} t set ${deletedBy} = $5
          where ${deletedBy} is null and ${isDecided('t')} and ${isOlder('t')} and not ${isThere(key, 't')}`,
        [...version, objectId],
      );
      counts.marked += marked.rowCount ?? 0;
    }
    const cleared = await client.query(
      `update ${target} t set ${deletedBy} = null
        where ${deletedBy} is not null and ${isDecided('t')} and ${isOlder('t')} and ${isThere(key, 't')}`,
      version,
    );
    counts.cleared += cleared.rowCount ?? 0;
  }
  return counts;
}

const staging = 'pg_temp.census';
const deletedBy = quoteIdentifier(deletedByColumn);

/** The keys are of the warehouse's own types, so that what is equal there is equal here: 1.0 and 1.00, 1 day and 24 hours. */
function keysTarget(table: Dimension | Fact, schema: string): LoadTarget {
  const { columns, key } = censusTableOf(table);
  const target = warehouseTarget({ ...table, columns }, schema);
  return { ...target, key: key.map(quoteIdentifier) };
}

import type pg from 'pg';
import { readIdentity, sourceRestarts } from '../../services/ingestion/source/identity.ts';
import { newRowsCondition } from '../../services/ingestion/source/new-rows.ts';
import { canReadAll } from '../../shared/ledger/can-read-all.ts';
import type { Dimension, Model } from '../../shared/model/model.ts';
import { quoteSource } from '../../shared/model/source-name.ts';
import { quoteIdentifier } from '../../shared/postgres/identifier.ts';
import type { QuarantineFile } from '../../shared/quarantine/quarantine-file.ts';
import { queueKinds } from '../../shared/queue/queue-settings.ts';
import { type CaptureState, knownOf, readCaptureState } from '../../shared/records/plan/capture-state.ts';
import type { NewRows } from '../../shared/records/plan/extract-message.ts';
import { countMessages } from '../../shared/sweep/sweep-zone.ts';
import { listFailures } from '../failures/list-failures.ts';
import { listQuarantine } from '../quarantine/list-quarantine.ts';
import { commandFor, type Site } from '../site/site.ts';
import { formatCount, formatRows } from '../terminal/wording.ts';
import { listMissing, type MissingDimensionRow, type WaitingSelection } from './waiting-rows.ts';

/**
 * Why a dimension row is not there:
 * - `quarantined`: it broke the contract
 * - `dropped`: it broke the contract, and an operator has dropped it
 * - `failed`: messages of its table have failed for good, and may have it
 * - `deleted`: the source does not have it
 * - `lost`: it was captured, nothing is on its way, and the warehouse does not have it
 * - `expected`: nothing is known to keep it from coming
 */
export type WaitingCause = 'quarantined' | 'dropped' | 'failed' | 'deleted' | 'lost' | 'expected';

export interface ExplainedWait extends MissingDimensionRow {
  cause: WaitingCause;
  /** The command that ends the wait. */
  mend: string;
}

/**
 * The dimension rows that facts wait for, each with why it is not there.
 *
 * @param failing tables that cannot be extracted, in addition to those with a failed message
 */
export async function readWaiting(
  site: Site,
  model: Model,
  selection: WaitingSelection,
  failing: Iterable<string> = [],
): Promise<ExplainedWait[]> {
  const warehouse = await site.connectWarehouse();
  try {
    if (!(await canReadAll(warehouse, model, site.warehouseSchema))) return [];
    const missing = await listMissing(warehouse, model, site.warehouseSchema, selection);
    if (missing.length === 0) return [];
    const failures = await listFailures(site);
    return explainWaits(site, model, missing, {
      quarantine: await listQuarantine(site, model, [...new Set(missing.map(({ dimension }) => dimension))]),
      failedTables: new Set([...failing, ...failures.flatMap(({ table }) => table ?? [])]),
    });
  } finally {
    await warehouse.end();
  }
}

interface WaitingFacts {
  quarantine: readonly QuarantineFile[];
  /** Source and warehouse tables that have failed. */
  failedTables: ReadonlySet<string>;
}

/** Says of each missing dimension row why it is missing, as far as can be known from here. */
async function explainWaits(
  site: Site,
  model: Model,
  missing: readonly MissingDimensionRow[],
  { quarantine, failedTables }: WaitingFacts,
): Promise<ExplainedWait[]> {
  if (missing.length === 0) return [];
  const idsOf = (of: 'rows' | 'dropped') =>
    new Set(quarantine.flatMap((file) => file[of].map(({ key }) => `${file.table} ${String(key)}`)));
  const [bad, dropped] = [idsOf('rows'), idsOf('dropped')];
  const { deleted: gone, captured } = await askSource(site, model, missing);
  const isIdle = captured.size > 0 && (await isNothingQueued(site));
  return missing.map((wait) => {
    const id = `${wait.dimension} ${wait.key}`;
    const dimension = model.table(wait.dimension);
    const source = dimension.kind === 'calendar' ? '' : dimension.source.name;
    const hasFailed = failedTables.has(wait.dimension) || failedTables.has(source);
    const causes: [WaitingCause, boolean][] = [
      ['quarantined', bad.has(id)],
      ['failed', hasFailed],
      ['deleted', gone.has(id)],
      ['dropped', dropped.has(id)],
      ['lost', isIdle && captured.has(id)],
    ];
    const cause = causes.find(([, isSo]) => isSo)?.[0] ?? 'expected';
    return { ...wait, cause, mend: mendOf(cause, wait, site) };
  });
}

async function isNothingQueued({ sqs, queueUrl }: Pick<Site, 'sqs' | 'queueUrl'>): Promise<boolean> {
  const counts = await Promise.all(
    queueKinds.map((kind) => countMessages({ sqs, queueUrl: queueUrl(kind) })),
  );
  return counts.every((count) => count === 0);
}

/** What the source says of dimension rows, each named `dimension key`. */
interface SourceAnswer {
  /** It does not have them. */
  deleted: Set<string>;
  /** It has them, as the last plan captured them. */
  captured: Set<string>;
}

/** @returns nothing where the source cannot be asked: its answer decides some causes, and without it the others still hold */
async function askSource(
  { connectSource, ingested }: Pick<Site, 'connectSource' | 'ingested'>,
  model: Model,
  missing: readonly MissingDimensionRow[],
): Promise<SourceAnswer> {
  const answer: SourceAnswer = { deleted: new Set(), captured: new Set() };
  const client = await connectSource?.().catch(() => undefined);
  if (client === undefined) return answer;
  try {
    const state = await readStateOf(client, ingested);
    for (const name of new Set(missing.map(({ dimension }) => dimension))) {
      const dimension = model.table(name);
      if (dimension.kind !== 'dimension') continue;
      const keys = missing.filter((wait) => wait.dimension === name).map(({ key }) => key);
      const newRows = state && newToNextPlan(state, dimension.source.name);
      for (const { key, isThere, isNew } of await selectRows(client, dimension, keys, newRows)) {
        if (!isThere) answer.deleted.add(`${name} ${key}`);
        else if (isNew === false) answer.captured.add(`${name} ${key}`);
      }
    }
    return answer;
  } finally {
    await client.end();
  }
}

/** @returns undefined where the state is another server's, or there is none */
async function readStateOf(
  client: pg.Client,
  ingested: Pick<Site['ingested'], 'get'>,
): Promise<CaptureState | undefined> {
  try {
    const state = (await readCaptureState(ingested))?.state;
    if (state === undefined) return undefined;
    for (const restart of sourceRestarts) {
      if ((await readIdentity(client, restart)) === state.identity) return state;
    }
    return undefined;
  } catch {
    // Which row was captured is asked to name a better command; a damaged state is reported elsewhere.
    return undefined;
  }
}

/** Of a table that plans have left out, since the last one that has not. */
function newToNextPlan(state: CaptureState, table: string): NewRows | undefined {
  const known = knownOf(state, table);
  const captured = known && (known.base?.captured ?? state.captured);
  return captured && { since: captured.base, inProgress: captured.inProgress };
}

async function selectRows(
  client: pg.ClientBase,
  { source }: Dimension,
  keys: readonly string[],
  newRows: NewRows | undefined,
): Promise<{ key: string; isThere: boolean; isNew: boolean | null }[]> {
  const [key = ''] = source.key;
  const type = source.columns.find(({ name }) => name === key)?.type ?? 'int4';
  // Which row a masked key is of only its key could tell.
  if (type === 'masked') return [];
  // Types of text may be enums, and 'other' is no type at all: both are compared as text.
  const isText = type === 'varchar' || type === 'other';
  const near = `s.${quoteIdentifier(key)}${isText ? '::text' : ''}`;
  const isNew = newRows === undefined ? 'null::boolean' : newRowsCondition(newRows, ['s'], []);
  try {
    const { rows } = await client.query<{ key: string; isThere: boolean; isNew: boolean | null }>(
      `select wanted.id::text as key, count(s.ctid) > 0 as "isThere", bool_or(${isNew}) as "isNew"
       from unnest($1::text[]::${isText ? 'text' : type}[]) wanted (id)
       left join ${quoteSource(source, 'public')} s on ${near} = wanted.id
       group by wanted.id`,
      [keys],
    );
    return rows;
  } catch {
    // The table may be gone or forbidden, which status reports separately.
    return [];
  }
}

function mendOf(
  cause: WaitingCause,
  { table, dimension }: MissingDimensionRow,
  site: Pick<Site, 'selector'>,
): string {
  switch (cause) {
    case 'quarantined':
      return commandFor(site, `quarantine release --table ${dimension}`);
    case 'failed':
      return commandFor(site, `redrive --table ${dimension}`);
    case 'deleted':
    case 'dropped':
      return commandFor(site, `waiting --drop --table ${table}`);
    case 'lost':
      return commandFor(site, `resync --table ${dimension}`);
    case 'expected':
      return commandFor(site, 'run');
  }
}

/** The waits of one fact for one dimension that have one cause. */
export interface WaitGroup {
  table: string;
  column: string;
  dimension: string;
  cause: WaitingCause;
  /** Of the missing dimension rows, those first that most rows wait for. */
  keys: string[];
  /** Rows of the fact. */
  rows: number;
  mend: string;
}

const shownKeys = 5;

export function groupWaits(waits: readonly ExplainedWait[]): WaitGroup[] {
  const groups = new Map<string, WaitGroup>();
  for (const { key, rows, ...wait } of waits) {
    const id = `${wait.table} ${wait.column} ${wait.cause}`;
    const group = groups.get(id) ?? { ...wait, keys: [], rows: 0 };
    group.keys.push(key);
    group.rows += rows;
    groups.set(id, group);
  }
  return [...groups.values()];
}

const causes: Record<WaitingCause, string> = {
  quarantined: 'which broke the contract and is in quarantine',
  dropped: 'which broke the contract and was dropped',
  failed: 'whose table has failed',
  deleted: 'which the source does not have: it can never arrive',
  lost: 'which was captured once and is not in the warehouse',
  expected: 'which has not landed yet',
};

/** @example '3 rows of fact_payment wait for dim_transaction 5, which the source does not have: it can never arrive' */
export function describeWait({ table, dimension, cause, keys, rows }: WaitGroup): string {
  const more = keys.length - shownKeys;
  const list = keys.slice(0, shownKeys).join(', ') + (more > 0 ? ` and ${formatCount(more)} more` : '');
  return `${formatRows(rows)} of ${table} ${rows === 1 ? 'waits' : 'wait'} for ${dimension} ${list}, ${causes[cause]}`;
}

import { hostname, userInfo } from 'node:os';
import type pg from 'pg';
import type { Model, SourceTable } from '../../shared/model/model.ts';
import type { ObjectVersion } from '../../shared/object-store/object-metadata.ts';
import {
  beginForgetting,
  endForgetting,
  type ForgottenRow,
  noteRemoved,
  nothingRemoved,
  type Removed,
} from '../../shared/records/forgotten.ts';
import { hasLedger } from '../site/ledger.ts';
import { commandFor, type Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount, formatRows } from '../terminal/wording.ts';
import { type AskedSource, askSource } from './ask-source.ts';
import { cleanIngested, findKeysOfLines } from './clean-ingested.ts';
import { cleanProcessed } from './clean-processed.ts';
import { cleanQuarantine } from './clean-quarantine.ts';
import { cleanWarehouse, countReferring } from './clean-warehouse.ts';
import {
  type GivenField,
  hashOf,
  type RowsToForget,
  rowsToForget,
  type WantedField,
} from './forgotten-row.ts';
import type { CleaningContext } from './found-objects.ts';
import { readLeftTables } from './left-tables.ts';
import { waitUntilQuiet } from './wait-until-quiet.ts';

export interface ForgetRequest {
  source: SourceTable;
  /** The key, in fields of the source's lines. */
  given: readonly GivenField[];
  /** Also the rows of other tables that name it. */
  withFacts: boolean;
}

type ForgetSite = Pick<
  Site,
  | 'model'
  | 'sqs'
  | 'queueUrl'
  | 'quietSeconds'
  | 'activity'
  | 'ingested'
  | 'processed'
  | 'oldVersions'
  | 'connectWarehouse'
  | 'connectSource'
  | 'warehouseSchema'
  | 'selector'
>;

export interface ForgetOptions {
  now?: () => Date;
  /** Called when it waits for work that is under way. */
  onWait?: () => void;
}

/**
 * Removes a row, in all its versions, from both zones, from quarantine and from the warehouse.
 *
 * Claim: nothing brings it back. The source does not have it at a moment S, and every object that was read before S, or then, is
 * searched. What was under way, and may have read such an object before it was replaced, has ended before the last pass, which
 * finds nothing. What is read after S does not have the row, or has it because it came back: that one stays.
 *
 * It may be ended at any time, and typed again: each step finds what is left of the row.
 *
 * @throws {UsageError} the source still has the row, or rows of other tables name it
 * @throws {TerminalError} nothing shows whether an object has the row
 */
export async function forgetRow(
  site: ForgetSite,
  request: ForgetRequest,
  { now = () => new Date(), onWait }: ForgetOptions = {},
): Promise<ForgottenRow> {
  const asked = await askSource(site, async (source) => ({
    all: await findRows(site, request, source),
    version: source.version,
  }));
  const { all, version } = asked;
  const [own] = all;
  if (own === undefined) throw new TypeError('there is always the row itself');
  const warehouse = await openLoaded(site);
  try {
    await refuseReferring(site, warehouse, all, request);
    const id = hashOf(own);
    const by = `${userInfo().username}@${hostname()}`;
    const { withFacts } = request;
    let row = await beginForgetting(site.ingested, { id, table: own.source.name, by, withFacts }, now());
    const context = { id, version, searched: new Set<string>() };
    for (;;) {
      await waitUntilQuiet(site, onWait);
      const removed = await removeOnce(site, warehouse, all, context);
      if (Object.values(removed).every((count) => count === 0)) break;
      row = { ...row, removed: sum(row.removed, removed) };
      await noteRemoved(site.ingested, row);
    }
    return await endForgetting(site.ingested, row, now());
  } finally {
    warehouse?.end().catch(() => {});
  }
}

/** The row itself first, and then those of other tables that name it. */
async function findRows(
  site: ForgetSite,
  { source, given, withFacts }: ForgetRequest,
  asked: AskedSource,
): Promise<RowsToForget[]> {
  const { model } = site;
  const fields = await asked.readValues(source, given);
  if ((await asked.countRows(source, fields)) > 0) {
    throw new UsageError(
      `the source still has this row of ${source.name}: delete it there first, or the next run brings it back`,
    );
  }
  for (const table of model.sources) await refuseJoined(site, table, source, fields, asked.version);
  const left = await readLeftTables(site.ingested, model);
  const all = [rowsToForget(source, fields, model, left)];
  for (const { table, fields: naming } of withFacts ? findNaming(source, fields, model) : []) {
    const rows = await asked.countRows(table, naming);
    if (rows > 0) {
      throw new UsageError(
        `${formatRows(rows)} of ${table.name} in the source still ${rows === 1 ? 'names' : 'name'} this row of ${source.name}: delete or change them there first`,
      );
    }
    all.push(rowsToForget(table, naming, model, left));
  }
  return all;
}

/**
 * Lines of a table have the values of the rows that were joined to it, and the warehouse does not always have the column that
 * names the joined row. So those rows go first, by their own keys.
 */
async function refuseJoined(
  site: ForgetSite,
  table: SourceTable,
  source: SourceTable,
  fields: readonly WantedField[],
  version: ObjectVersion,
): Promise<void> {
  for (const join of table.joins.filter(({ name }) => name === source.name)) {
    const naming = fieldsOfJoin(table, join, fields);
    const keys = await findKeysOfLines(site.ingested, { source: table, fields: naming }, version);
    if (keys.length === 0) continue;
    throw new UsageError(
      `rows of ${table.name} carry columns of ${source.name}, and have this row's values: ${keys.join('; ')}. Forget those first, and then this one: ${commandFor(site, `forget --table ${table.feeds[0] ?? table.name} --key ${keys[0]}`)}`,
    );
  }
}

/** Source tables of facts that refer to this one's rows. */
function findNaming(
  source: SourceTable,
  fields: readonly WantedField[],
  model: Model,
): { table: SourceTable; fields: WantedField[] }[] {
  const found = new Map<string, { table: SourceTable; fields: WantedField[] }>();
  const add = (table: SourceTable, naming: WantedField[]) =>
    found.set(JSON.stringify([table.name, naming.map(({ field }) => field)]), { table, fields: naming });
  for (const table of model.tables) {
    if (table.kind !== 'fact') continue;
    for (const { references, from } of table.columns) {
      const dimension = references === undefined ? undefined : model.table(references);
      if (dimension === undefined || dimension.kind === 'calendar') continue;
      const [only] = fields;
      if (dimension.source.name !== source.name || only === undefined || fields.length > 1) continue;
      add(table.source, [{ field: from.field, value: only.value }]);
    }
  }
  return [...found.values()];
}

/** @throws {UsageError} no field of the lines says which row was joined */
function fieldsOfJoin(
  table: SourceTable,
  { path, from, match }: SourceTable['joins'][number],
  fields: readonly WantedField[],
): WantedField[] {
  const naming = fields.flatMap(({ field, value }): WantedField[] => {
    const near = Object.entries(match).find(([, far]) => far === field)?.[0];
    const name = from === undefined ? near : `${from}.${near}`;
    return table.fields.some((each) => each.name === name) && name !== undefined
      ? [{ field: name, value }]
      : [];
  });
  if (naming.length === fields.length) return naming;
  throw new UsageError(
    `rows of ${table.name} carry columns of ${path}, and no column in their lines names that row, so nothing shows which of them have its values`,
  );
}

/** @returns undefined where nothing was ever loaded */
async function openLoaded(site: ForgetSite): Promise<pg.Client | undefined> {
  const client = await site.connectWarehouse();
  if (await hasLedger(client)) return client;
  client.end().catch(() => {});
  return undefined;
}

/** What facts name must not go without them; those that a table is joined to may be named by others again. */
async function refuseReferring(
  site: ForgetSite,
  warehouse: pg.Client | undefined,
  [own, ...others]: readonly RowsToForget[],
  { withFacts }: ForgetRequest,
): Promise<void> {
  if (warehouse === undefined || own === undefined) return;
  const { model, warehouseSchema: schema } = site;
  for (const rows of withFacts ? others : [own]) {
    const isOwn = rows === own;
    const referring = await countReferring(warehouse, model, rows, { schema, isOwn });
    if (referring.length === 0) continue;
    const named = referring.map(({ table, column, rows }) => `${formatCount(rows)} of ${table} (${column})`);
    const which = isOwn ? 'this row' : 'rows that would go with it';
    const help = isOwn
      ? 'To forget them as well, add --with-facts'
      : `Forget those rows of ${rows.source.name} first, each with its facts`;
    throw new UsageError(
      `rows of facts name ${which} of ${rows.source.name}: ${named.join(', ')}. They would name nothing. ${help}; to see them: ${commandFor(site, 'sql')}`,
    );
  }
}

/** Objects first: a load that begins after the rows were deleted finds nothing to load. */
async function removeOnce(
  { ingested, processed, oldVersions, warehouseSchema: schema }: ForgetSite,
  warehouse: pg.Client | undefined,
  all: readonly RowsToForget[],
  context: CleaningContext,
): Promise<Removed> {
  const zones = {
    ingested: { store: ingested, oldVersions: oldVersions?.ingested },
    processed: { store: processed, oldVersions: oldVersions?.processed },
  };
  let removed = nothingRemoved;
  const add = (part: Partial<Removed>) => {
    removed = sum(removed, { ...nothingRemoved, ...part });
  };
  for (const rows of all) {
    // What was searched for one row was not for another.
    const own = { ...context, id: hashOf(rows) };
    const { rows: lines, ...ofLines } = await cleanIngested(zones.ingested, rows, own);
    add({ ...ofLines, ingested: lines });
    for (const table of rows.tables) {
      const bad = await cleanQuarantine(zones.processed, rows, table, own);
      add({ quarantined: bad.rows, oldVersions: bad.oldVersions });
      const { rows: made, ...ofMade } = await cleanProcessed(zones.processed, warehouse, rows, table, own);
      add({ ...ofMade, processed: made });
    }
    if (warehouse === undefined) continue;
    add(await cleanWarehouse(warehouse, rows, { schema, version: context.version }));
  }
  return removed;
}

function sum(one: Removed, other: Removed): Removed {
  const total = { ...one };
  for (const name of Object.keys(one) as (keyof Removed)[]) total[name] += other[name];
  return total;
}

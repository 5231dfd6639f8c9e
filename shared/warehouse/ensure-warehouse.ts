import type pg from 'pg';
import { LostTableError, RefusedError, TerminalError } from '../errors.ts';
import { readBinding } from '../ledger/binding.ts';
import { beginInitialLoad, endInitialLoad, selectInitialLoads } from '../ledger/initial-loads.ts';
import { requestResync } from '../ledger/resync.ts';
import { ledgerRelations, migrateLedger } from '../ledger/schema/ledger-relations.ts';
import { ledgerSchema, ledgerTable, warehouseLocks } from '../ledger/schema/ledger-schema.ts';
import { changeRows, noteComplete, selectLoadedRows, selectTables } from '../ledger/table-counts.ts';
import type { Model } from '../model/model.ts';
import { quoteIdentifier, quoteQualified } from '../postgres/identifier.ts';
import { inSnapshot, inTransaction } from '../postgres/transaction.ts';
import { addLacking, type Lacking } from './add-lacking.ts';
import { assertNotTakenOver } from './adopt-model.ts';
import { type CatalogRelation, findDifferences, findLacking, readCatalog } from './catalog.ts';
import { keepCurrentViews } from './current/keep-current-views.ts';
import { insertDates } from './insert-dates.ts';
import { selectNamedDays } from './named-days.ts';
import {
  createStatements,
  type DdlOptions,
  type ForeignKeys,
  formatForeignKey,
  type Relation,
  withoutKeys,
} from './relation.ts';
import { findUnfitEncoding } from './server-encoding.ts';
import { objectIdColumn, warehouseRelations } from './warehouse-schema.ts';

export interface EnsureOptions {
  /** The schema of the star schema's tables; the ledger has its own. */
  schema: string;
  foreignKeys: ForeignKeys;
  /** A fact that is made gets its keys when its initial load ends; until then it loads much faster. */
  deferKeys?: boolean;
  /** Tables that are made again although rows were loaded into them: a rebuild loads them once more. */
  remade?: readonly string[];
}

/** The star schema's tables that differ from the model or have vanished with their rows, each with the reason. */
export type RefusedTables = ReadonlyMap<string, TerminalError>;

/**
 * Makes what the warehouse lacks, as `prepareWarehouse` does, and refuses tables that differ from the model.
 *
 * @throws {TerminalError} a table has other columns, types or keys than the model; the message names each
 */
export async function ensureWarehouse(
  client: pg.ClientBase,
  model: Model,
  options: EnsureOptions,
): Promise<void> {
  for (const refusal of (await prepareWarehouse(client, model, options)).values()) throw refusal;
}

/**
 * Makes the warehouse's tables and the pipeline's own where they are missing, including foreign keys that are to be
 * enforced. Migrates the pipeline's own tables if an older version made them, and adds the column of deletes to the star
 * schema's where the role owns them. Nothing else that exists is changed, and nothing is dropped. If nothing is missing, this
 * is a handful of queries. Any number of loads may call it concurrently. If a table is refused, none is made. The views of
 * current rows are kept along with the tables.
 *
 * If the ledger has to be made while the star schema's tables have rows, it has lost what it knew of them: a resync is
 * requested.
 *
 * @throws {TerminalError} one of the pipeline's own tables was altered, or a newer version made it
 * @throws {RefusedError} the database's encoding lacks characters
 */
export async function prepareWarehouse(
  client: pg.ClientBase,
  model: Model,
  options: EnsureOptions,
): Promise<RefusedTables> {
  const refused = await prepareTables(client, model, options);
  await keepCurrentViews(client, model, options.schema);
  return refused;
}

async function prepareTables(
  client: pg.ClientBase,
  model: Model,
  { schema, foreignKeys, deferKeys = false, remade = [] }: EnsureOptions,
): Promise<RefusedTables> {
  const unfit = await findUnfitEncoding(client);
  // Nothing of the message's: it waits until the stage has another warehouse.
  if (unfit !== undefined) throw new RefusedError(unfit, { by: 'warehouse' });
  await migrateLedger(client);
  const relations = [...ledgerRelations(model), ...warehouseRelations(model, schema)];
  const compared = await compareAll(client, relations);
  await addLacking(client, compared.lacking);
  const { missing, refused } = await refuseVanished(client, compared, remade);
  if (refused.size > 0) {
    // Keys and references of what is missing may lead to a table that is refused.
    if (missing.length > 0) for (const refusal of refused.values()) throw refusal;
    return refused;
  }
  const selectUnenforced = async () => (foreignKeys === 'enforced' ? findUnenforced(client, relations) : []);
  if (missing.length === 0 && (await selectUnenforced()).length === 0) return refused;
  const { calendar } = model;
  await inTransaction(client, async () => {
    await client.query('select pg_advisory_xact_lock($1, $2)', [...warehouseLocks.tables]);
    assertNotTakenOver(await readBinding(client), model);
    const serverVersion = await readServerVersion(client);
    const { missing } = await refuseVanished(client, await compare(client, relations), remade);
    const isLedgerLost = missing.some(isLedger) && (await hasRows(client, relations, missing));
    await create(client, missing, { foreignKeys, serverVersion, deferred: deferKeys ? factsOf(model) : [] });
    for (const fact of factsOf(model).filter((name) => missing.some((relation) => relation.name === name)))
      await (deferKeys ? beginInitialLoad : endInitialLoad)(client, fact);
    await enforceForeignKeys(client, relations, await selectUnenforced());
    if (isLedgerLost) {
      await requestResync(client, 'the ledger had to be made again, and the tables already had rows');
      for (const { schema, name } of loadedRelations(relations, missing)) {
        const { rows } = await client.query<{ rows: number }>(
          `select count(*)::float8 as rows from ${quoteQualified(schema, name)}`,
        );
        await changeRows(client, name, rows[0]?.rows ?? 0, 'ledger made again');
      }
    }
  });
  if (calendar !== undefined && missing.some(({ name }) => name === calendar.name)) {
    // Its rows are made of the dates that others name: what is made beside facts with rows is filled at once. Loads add the
    // days of theirs, so that nobody need read the facts for it again.
    const made = await selectTables(client, schema, [calendar.name]);
    const days = await selectNamedDays(client, model, { schema, calendar });
    await insertDates(client, { schema, calendar }, days.missing);
    for (const table of made) await noteComplete(client, table);
  }
  return refused;
}

/**
 * The model's tables whose names other tables have, in a warehouse that nothing was loaded into yet. Nothing is changed.
 *
 * @returns by table, with the differences
 */
export async function findForeignTables(
  client: pg.ClientBase,
  model: Model,
  schema: string,
): Promise<RefusedTables> {
  const { rowCount } = await client.query('select where to_regclass($1) is not null', [ledgerTable]);
  // Those that a pipeline has made follow its model in force, which may be another one.
  if (rowCount === 1) return new Map();
  const relations = warehouseRelations(model, schema);
  return compareWith(await readCatalog(client, relations), relations, new Set()).refused;
}

const isLedger = ({ schema, name }: Relation): boolean => quoteQualified(schema, name) === ledgerTable;

/** Whether any table that is loaded from objects has rows. The calendar does not count: its rows are made of dates. */
async function hasRows(
  client: pg.ClientBase,
  relations: readonly Relation[],
  missing: readonly Relation[],
): Promise<boolean> {
  for (const { schema, name } of loadedRelations(relations, missing)) {
    const { rowCount } = await client.query(`select from ${quoteQualified(schema, name)} limit 1`);
    if (rowCount === 1) return true;
  }
  return false;
}

/** Those that exist and are loaded from objects. */
const loadedRelations = (relations: readonly Relation[], missing: readonly Relation[]): Relation[] =>
  relations.filter(
    (relation) =>
      relation.schema !== ledgerSchema &&
      !missing.includes(relation) &&
      relation.columns.some(({ name, nullable }) => name === objectIdColumn && !nullable),
  );

interface Comparison {
  missing: Relation[];
  refused: Map<string, TerminalError>;
  lacking: Lacking[];
}

/** A table whose rows are gone with it must not be made anew without a word: it would be empty, and look well. */
async function refuseVanished(
  client: pg.ClientBase,
  { missing, refused, lacking }: Comparison,
  remade: readonly string[],
): Promise<Comparison> {
  const suspects = missing.filter(({ schema, name }) => schema !== ledgerSchema && !remade.includes(name));
  // Without a ledger nothing was ever loaded, or nobody knows.
  if (suspects.length === 0 || missing.some(({ schema }) => schema === ledgerSchema))
    return { missing, refused, lacking };
  const loaded = await selectLoadedRows(
    client,
    suspects.map(({ name }) => name),
  );
  const vanished = suspects.filter(({ name }) => (loaded.get(name) ?? 0) > 0);
  for (const { schema, name } of vanished) {
    const rows = loaded.get(name) ?? 0;
    const message =
      `the warehouse's table ${schema}.${name} is gone: ${rows === 1 ? '1 row was' : `${groupDigits(rows)} rows were`} ` +
      `loaded into it. Make it again from S3: starlift rebuild ${name}`;
    refused.set(name, new LostTableError(message, { table: name, rows }));
  }
  return { missing: missing.filter((relation) => !vanished.includes(relation)), refused, lacking };
}

const groupDigits = (count: number): string => String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');

async function compareAll(client: pg.ClientBase, relations: readonly Relation[]): Promise<Comparison> {
  const found = compareWith(await readCatalog(client, relations), relations, new Set());
  if (found.refused.size === 0) return found;
  // Perhaps only the keys are still missing. In one snapshot, because others may make facts and build their keys.
  return inSnapshot(client, () => compare(client, relations));
}

/** The caller ensures that no other process makes any of these meanwhile. */
async function compare(client: pg.ClientBase, relations: readonly Relation[]): Promise<Comparison> {
  // In this order, because the keys of a fact in its initial load may be built between the two.
  const loading = await selectInitialLoads(client);
  return compareWith(await readCatalog(client, relations), relations, loading);
}

function compareWith(
  catalog: readonly CatalogRelation[],
  relations: readonly Relation[],
  loading: ReadonlySet<string>,
): Comparison {
  const missing: Relation[] = [];
  const refused = new Map<string, TerminalError>();
  const lacking: Lacking[] = [];
  for (const wanted of relations) {
    const found = catalog.find(({ schema, name }) => schema === wanted.schema && name === wanted.name);
    if (found === undefined) {
      missing.push(wanted);
      continue;
    }
    for (const column of findLacking(wanted, found)) lacking.push({ relation: wanted, column });
    const differences = findDifferences(loading.has(wanted.name) ? withoutKeys(wanted) : wanted, found);
    if (differences.length === 0) continue;
    const refusal = new TerminalError(
      `the warehouse's table ${wanted.schema}.${wanted.name} is not the model's: ${differences.join('; ')}`,
      { table: wanted.name },
    );
    // Nothing can be loaded without the pipeline's own tables.
    if (wanted.schema === ledgerSchema) throw refusal;
    refused.set(wanted.name, refusal);
  }
  return { missing, refused, lacking };
}

async function readServerVersion(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  );
  return rows[0]?.version ?? 0;
}

async function create(
  client: pg.ClientBase,
  missing: readonly Relation[],
  { deferred, ...options }: DdlOptions & { deferred: readonly string[] },
): Promise<void> {
  for (const schema of new Set(missing.map(({ schema }) => schema))) await createSchema(client, schema);
  const made = missing.map((relation) =>
    deferred.includes(relation.name) ? withoutKeys(relation) : relation,
  );
  // In one request: sixty statements would each wait for the answer to the one before.
  await client.query(made.flatMap((relation) => createStatements(relation, options)).join(';\n'));
}

const factsOf = (model: Model): string[] =>
  model.tables.filter(({ kind }) => kind === 'fact').map(({ name }) => name);

/** `create schema if not exists` requires the right to create one even if the schema exists. */
async function createSchema(client: pg.ClientBase, schema: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_namespace where nspname = $1', [schema]);
  if (rowCount === 0) await client.query(`create schema ${quoteIdentifier(schema)}`);
}

interface ForeignKeyState {
  schema: string;
  table: string;
  column: string;
  /** The constraint's name; null if there is none. */
  constraint: string | null;
}

/** The foreign keys of these relations that Postgres does not check, because they are only declared or missing. */
async function findUnenforced(
  client: pg.ClientBase,
  relations: readonly Relation[],
): Promise<ForeignKeyState[]> {
  const wanted = relations.flatMap(({ schema, name, references }) =>
    references.map(({ column }) => ({ schema, name, column })),
  );
  const { rows } = await client.query<ForeignKeyState>(unenforcedQuery, [
    wanted.map(({ schema }) => schema),
    wanted.map(({ name }) => name),
    wanted.map(({ column }) => column),
  ]);
  return rows;
}

/** @throws {pg.DatabaseError} 23503: a row names a row that is not there; the message names the constraint */
async function enforceForeignKeys(
  client: pg.ClientBase,
  relations: readonly Relation[],
  unenforced: readonly ForeignKeyState[],
): Promise<void> {
  for (const { schema, table, column, constraint } of unenforced) {
    const relation = relations.find((each) => each.schema === schema && each.name === table);
    const reference = relation?.references.find((each) => each.column === column);
    if (relation === undefined || reference === undefined) continue;
    const change =
      constraint === null
        ? `add ${formatForeignKey(relation, reference, 'enforced')}`
        : `alter constraint ${quoteIdentifier(constraint)} enforced`;
    await client.query(`alter table ${quoteQualified(schema, table)} ${change}`);
  }
}

// Below Postgres 18 there is no pg_constraint.conenforced: read as JSON it may be missing, and then counts as true.
const unenforcedQuery = `
select wanted.*, k.conname as constraint
from unnest($1::text[], $2::text[], $3::text[]) as wanted (schema, "table", "column")
join pg_namespace n on n.nspname = wanted.schema
join pg_class c on c.relnamespace = n.oid and c.relname = wanted.table
join pg_attribute a on a.attrelid = c.oid and a.attname = wanted.column
left join pg_constraint k on k.conrelid = c.oid and k.contype = 'f' and k.conkey = array[a.attnum]
where k.oid is null or not coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)`;

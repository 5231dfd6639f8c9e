import type pg from 'pg';
import { RefusedError } from '../../errors.ts';
import type { Fact, Model } from '../../model/model.ts';
import { quoteLiteral } from '../../postgres/identifier.ts';
import { inTransaction } from '../../postgres/transaction.ts';
import type { Relation } from '../../warehouse/relation.ts';
import { businessKey, factColumns } from '../../warehouse/warehouse-schema.ts';
import {
  bindingTable,
  censusTable,
  ledgerSchema,
  ledgerTable,
  migrationTable,
  parkedName,
  warehouseLocks,
} from './ledger-schema.ts';

/** The pipeline's own tables: the ledger, the binding and others, and for each fact one for its waiting rows. */
export function ledgerRelations(model: Model): Relation[] {
  const facts = model.tables.filter((table) => table.kind === 'fact');
  const single = [
    migrationRelation,
    ledgerRelation,
    bindingRelation,
    unreleasedRelation,
    initialLoadRelation,
    resyncRelation,
    tableRelation,
    rowChangeRelation,
    censusRelation,
    deletionRelation,
  ];
  return [...single, ...facts.map(parkedRelation)];
}

// The changes of the pipeline's own tables. New tables are made in their newest shape, as below; a migration
// changes tables that an older version made, and copes with each of them missing. Its number is its place in the list:
// migrations are only ever added at the end, and never edited.

/**
 * The default of an object's id: microseconds since 1970 times 1,000, and a sequence within each microsecond. Rows keep
 * the id of their object even where the ledger is dropped or restored from a backup, so an id must never be reused: a
 * sequence alone would begin at 1, or at the backup's last value.
 */
const idsFromClock = [
  'create sequence if not exists starlift.object_number',
  'alter sequence starlift.object_number owned by starlift.object.object_id',
  `alter table starlift.object alter column object_id
     set default (extract(epoch from clock_timestamp()) * 1000000)::int8 * 1000
       + nextval('starlift.object_number') % 1000`,
];

/**
 * Ids come from the clock, an entry keeps when it was entered, and every table has a primary key.
 *
 * Loads of the older version may still run. They succeed, because they name no column that was dropped.
 */
const idsAndPrimaryKeys = `
do $migration$
declare parked record;
begin
  if to_regclass('starlift.object') is not null then
    alter table starlift.object alter column object_id drop identity if exists;
    ${idsFromClock.join(';\n    ')};
    alter table starlift.object add column if not exists entered_at timestamptz;
    update starlift.object set entered_at = loaded_at where entered_at is null;
    alter table starlift.object alter column entered_at set default clock_timestamp(),
      alter column entered_at set not null;
  end if;
  if to_regclass('starlift.binding') is not null and not exists (
    select from pg_constraint where conrelid = to_regclass('starlift.binding') and contype = 'p')
  then
    alter table starlift.binding add primary key (warehouse_id);
  end if;
  for parked in
    select c.oid::regclass as "table", k.conname,
           (select string_agg(quote_ident(attname), ', ' order by array_position(k.conkey, attnum))
              from pg_attribute where attrelid = c.oid and attnum = any (k.conkey)) as columns
      from pg_constraint k join pg_class c on c.oid = k.conrelid
     where k.connamespace = 'starlift'::regnamespace and k.contype = 'u' and c.relname like 'parked\\_%'
  loop
    execute format('alter table %s drop constraint %I, add primary key (%s)',
                   parked."table", parked.conname, parked.columns);
  end loop;
end
$migration$`;

/** Each entry keeps the keys that its load added. What was loaded before has null: nobody counted. */
const countsOfKeys = `
do $migration$
begin
  if to_regclass('starlift.object') is not null then
    alter table starlift.object add column if not exists added int8;
    alter table starlift.object alter column added set default 0;
  end if;
end
$migration$`;

/** An entry says whether its object is given up, and the binding what of the warehouse it is for, and which stage's. */
const lostObjectsAndWholeBinding = `
do $migration$
begin
  if to_regclass('starlift.object') is not null then
    alter table starlift.object add column if not exists lost_at timestamptz;
  end if;
  if to_regclass('starlift.binding') is not null then
    alter table starlift.binding add column if not exists schema_name text;
    alter table starlift.binding add column if not exists model_id text;
    alter table starlift.binding add column if not exists ingested_bucket text;
  end if;
end
$migration$`;

/** The binding says under which number the model of the tables was published. */
const modelNumbers = `
do $migration$
begin
  if to_regclass('starlift.binding') is not null then
    alter table starlift.binding add column if not exists model_number int;
  end if;
end
$migration$`;

/** Waiting rows are marked as deleted like any other. */
const marksOfDeletes = `
do $migration$
declare parked record;
begin
  for parked in
    select c.oid::regclass as "table" from pg_class c
     where c.relnamespace = to_regnamespace('starlift') and c.relkind = 'r' and c.relname like 'parked\\_%'
  loop
    execute format('alter table %s add column if not exists _deleted_by int8', parked."table");
  end loop;
end
$migration$`;

/** A census may have the keys of a range alone. */
const rangesOfCensuses = `
do $migration$
begin
  if to_regclass('starlift.census') is not null then
    alter table starlift.census add column if not exists lower_bound text;
    alter table starlift.census add column if not exists upper_bound text;
  end if;
end
$migration$`;

/** In their order; the first has the number 1. */
const migrations = [
  idsAndPrimaryKeys,
  countsOfKeys,
  lostObjectsAndWholeBinding,
  modelNumbers,
  marksOfDeletes,
  rangesOfCensuses,
];

const migrationRelation: Relation = {
  schema: ledgerSchema,
  name: 'migration',
  columns: [
    { name: 'number', type: 'int', nullable: false },
    { name: 'applied_at', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
  ],
  primaryKey: ['number'],
  uniques: [],
  references: [],
  afterwards: [`insert into ${migrationTable} (number) select generate_series(1, ${migrations.length})`],
};

const ledgerRelation: Relation = {
  schema: ledgerSchema,
  name: 'object',
  columns: [
    { name: 'object_id', type: 'int8', nullable: false },
    { name: 'key', type: 'text', nullable: false },
    { name: 'warehouse_table', type: 'text', nullable: false },
    { name: 'run', type: 'text', nullable: false },
    { name: 'slice', type: 'text', nullable: false },
    { name: 'rows', type: 'int8', nullable: false },
    { name: 'quarantined', type: 'int8', nullable: false },
    { name: 'generation', type: 'int8', nullable: false },
    // The version: Postgres keeps the names xmax and xmin for itself.
    { name: 'snapshot_xmax', type: 'int8', nullable: false },
    { name: 'snapshot_xmin', type: 'int8', nullable: false },
    { name: 'tie', type: 'int8', nullable: false },
    { name: 'revision', type: 'int', nullable: false },
    // When it was loaded last: a replay changes it.
    { name: 'loaded_at', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
    { name: 'entered_at', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
    // The keys that the table did not have before. Null where an older version has loaded the object.
    { name: 'added', type: 'int8', nullable: true, generated: 'default 0' },
    // A rebuild does not wait for it: S3 has lost the object, and all of the table was read from the source since.
    { name: 'lost_at', type: 'timestamptz', nullable: true },
  ],
  primaryKey: ['object_id'],
  uniques: [['key']],
  references: [],
  afterwards: [`create index on ${ledgerTable} (run)`, ...idsFromClock],
};

const bindingRelation: Relation = {
  schema: ledgerSchema,
  name: 'binding',
  columns: [
    { name: 'warehouse_id', type: 'uuid', nullable: false },
    { name: 'source_id', type: 'text', nullable: true },
    // Null where an older version has bound the warehouse, until the next one does.
    { name: 'schema_name', type: 'text', nullable: true },
    // Null until somebody notes by which model the tables are made.
    { name: 'model_id', type: 'text', nullable: true },
    { name: 'model_number', type: 'int', nullable: true },
    // Of a stage; null where a data folder loads the warehouse.
    { name: 'ingested_bucket', type: 'text', nullable: true },
  ],
  primaryKey: ['warehouse_id'],
  uniques: [],
  references: [],
  // Over a constant, so that there is room for one row.
  afterwards: [`create unique index on ${bindingTable} ((true))`],
};

const unreleasedRelation: Relation = {
  schema: ledgerSchema,
  name: 'unreleased',
  columns: [
    { name: 'warehouse_table', type: 'text', nullable: false },
    // The table whose load tried it last.
    { name: 'tried_by', type: 'text', nullable: false },
    { name: 'reason', type: 'text', nullable: false },
    { name: 'since', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
  ],
  primaryKey: ['warehouse_table'],
  uniques: [],
  references: [],
};

const initialLoadRelation: Relation = {
  schema: ledgerSchema,
  name: 'initial_load',
  columns: [
    { name: 'warehouse_table', type: 'text', nullable: false },
    // Unknown until the first object arrives.
    { name: 'run', type: 'text', nullable: true },
  ],
  primaryKey: ['warehouse_table'],
  uniques: [],
  references: [],
};

const resyncRelation: Relation = {
  schema: ledgerSchema,
  name: 'resync',
  columns: [
    { name: 'id', type: 'uuid', nullable: false, generated: 'default gen_random_uuid()' },
    { name: 'reason', type: 'text', nullable: false },
    { name: 'requested_at', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
    // Null until the request lies in the ingested bucket, where the next plan finds it.
    { name: 'forwarded_at', type: 'timestamptz', nullable: true },
  ],
  primaryKey: ['id'],
  uniques: [],
  references: [],
};

const tableRelation: Relation = {
  schema: ledgerSchema,
  name: 'table',
  columns: [
    { name: 'warehouse_table', type: 'text', nullable: false },
    { name: 'oid', type: 'int8', nullable: false },
    // Null for a partitioned table, which has none of its own.
    { name: 'file_node', type: 'int8', nullable: true },
    // As the server's statistics have it: rows that were deleted ever.
    { name: 'deleted', type: 'int8', nullable: false },
    { name: 'is_equal', type: 'boolean', nullable: false },
    { name: 'noted_at', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
    // Null where no rebuild is under way.
    { name: 'rebuild_started_at', type: 'timestamptz', nullable: true },
  ],
  primaryKey: ['warehouse_table'],
  uniques: [],
  references: [],
};

const rowChangeRelation: Relation = {
  schema: ledgerSchema,
  name: 'row_change',
  columns: [
    { name: 'id', type: 'uuid', nullable: false, generated: 'default gen_random_uuid()' },
    { name: 'warehouse_table', type: 'text', nullable: false },
    { name: 'rows', type: 'int8', nullable: false },
    { name: 'reason', type: 'text', nullable: false },
    { name: 'entered_at', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
  ],
  primaryKey: ['id'],
  uniques: [],
  references: [],
};

const censusRelation: Relation = {
  schema: ledgerSchema,
  name: 'census',
  columns: [
    { name: 'object_id', type: 'int8', nullable: false },
    { name: 'warehouse_table', type: 'text', nullable: false },
    { name: 'keys', type: 'int8', nullable: false },
    // applied, held, dismissed, or unmarked where the table has no column for it.
    { name: 'state', type: 'text', nullable: false },
    // Why it is held.
    { name: 'reason', type: 'text', nullable: true },
    // Rows that it has marked, and of which it has cleared the mark, when it was applied last.
    { name: 'marked', type: 'int8', nullable: false },
    { name: 'cleared', type: 'int8', nullable: false },
    { name: 'applied_at', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
    // The bounds of its keys, as a JSON list each; null where it has none there.
    { name: 'lower_bound', type: 'text', nullable: true },
    { name: 'upper_bound', type: 'text', nullable: true },
    // Rows that are older than it came in since when: it has to be applied once more.
    { name: 'due_since', type: 'timestamptz', nullable: true },
  ],
  primaryKey: ['object_id'],
  uniques: [],
  references: [],
  afterwards: [`create index on ${censusTable} (warehouse_table)`],
};

const deletionRelation: Relation = {
  schema: ledgerSchema,
  name: 'deletion',
  columns: [
    { name: 'id', type: 'uuid', nullable: false, generated: 'default gen_random_uuid()' },
    { name: 'warehouse_table', type: 'text', nullable: false },
    // The census' entry in the ledger.
    { name: 'object_id', type: 'int8', nullable: false },
    { name: 'rows', type: 'int8', nullable: false },
    { name: 'entered_at', type: 'timestamptz', nullable: false, generated: 'default clock_timestamp()' },
  ],
  primaryKey: ['id'],
  uniques: [],
  references: [],
};

/** With a primary key: a publication for all tables refuses updates and deletes of a table without one. */
function parkedRelation(fact: Fact): Relation {
  return {
    schema: ledgerSchema,
    name: parkedName(fact.name),
    columns: factColumns(fact),
    primaryKey: businessKey(fact),
    uniques: [],
    references: [],
  };
}

/**
 * Brings the pipeline's own tables to their newest shape if an older version made them. It makes none.
 *
 * @throws {RefusedError} a newer release has made them: a rolled-back service's messages wait for the next upgrade
 */
export async function migrateLedger(client: pg.ClientBase): Promise<void> {
  if ((await readMigration(client)) === migrations.length) return;
  await inTransaction(client, async () => {
    await client.query('select pg_advisory_xact_lock($1, $2)', [...warehouseLocks.tables]);
    const applied = await readMigration(client);
    if (applied > migrations.length) throw madeByNewer(applied);
    await client.query(
      `create table if not exists ${migrationTable} (
         "number" int not null primary key, "applied_at" timestamptz not null default clock_timestamp())`,
    );
    for (const [index, migration] of migrations.entries()) {
      if (index < applied) continue;
      await client.query(migration);
      await client.query(`insert into ${migrationTable} (number) values ($1)`, [index + 1]);
    }
  });
}

/** @returns the newest migration that these tables have had; if there are none, the one that new tables have */
async function readMigration(client: pg.ClientBase): Promise<number> {
  const { rows } = await client.query<{ isNumbered: boolean; isMade: boolean }>(
    `select to_regclass('${migrationTable}') is not null as "isNumbered",
            exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
                     where n.nspname = ${quoteLiteral(ledgerSchema)} and c.relkind = 'r') as "isMade"`,
  );
  if (rows[0]?.isNumbered !== true) return rows[0]?.isMade === true ? 0 : migrations.length;
  const { rows: applied } = await client.query<{ newest: number }>(
    `select coalesce(max(number), 0) as newest from ${migrationTable}`,
  );
  return applied[0]?.newest ?? 0;
}

const madeByNewer = (applied: number): RefusedError =>
  new RefusedError(
    `the warehouse's schema ${ledgerSchema} is at migration ${applied}, and this version of Starlift knows ${migrations.length}: update Starlift`,
    { by: 'warehouse' },
  );

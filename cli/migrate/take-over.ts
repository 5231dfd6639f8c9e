import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { TerminalError, TransientError } from '../../shared/errors.ts';
import { readBinding } from '../../shared/ledger/binding.ts';
import {
  bindingTable,
  ledgerTable,
  parkedName,
  warehouseLocks,
} from '../../shared/ledger/schema/ledger-schema.ts';
import { renameInLedger } from '../../shared/ledger/schema/rename-table.ts';
import type { NextTable } from '../../shared/model/define.ts';
import type { Model } from '../../shared/model/model.ts';
import { quoteIdentifier, quoteQualified } from '../../shared/postgres/identifier.ts';
import { isServerError, isTransientState, type ServerError } from '../../shared/postgres/server-error.ts';
import { inTransaction } from '../../shared/postgres/transaction.ts';
import { currentNameOf } from '../../shared/warehouse/current/current-view.ts';
import { makeCurrentViews } from '../../shared/warehouse/current/keep-current-views.ts';
import { createStatements, type DdlOptions } from '../../shared/warehouse/relation.ts';
import { warehouseRelations } from '../../shared/warehouse/warehouse-schema.ts';
import { formatObjects, formatRows } from '../terminal/wording.ts';
import { carryOver, countLacking } from './carry-over.ts';
import { readDependents, type Statement } from './dependents.ts';

/** The tables are not ready yet, or somebody holds one: the caller tries again. */
export class NotReadyError extends TransientError {}

export interface TakeOverOptions {
  schema: string;
  foreignKeys: DdlOptions['foreignKeys'];
  /** Has the tables that readers see. */
  before: Model;
  /** The model in force, which has the tables twice. */
  migrating: Model;
  migratingHash: string;
  /** The model that the tables have afterwards. */
  target: Model;
  targetNumber: number;
  now: Date;
  /** Rows may be missing whose objects S3 has lost. */
  mayLack?: boolean;
  /** How long it waits within the transaction for what is on its way, and for readers; 5 s. */
  patienceMs?: number;
}

/**
 * Gives the tables that were filled the names of those whose places they take, all in one transaction, together with the
 * number of the model that has them: no reader sees one of the old model and one of the new.
 *
 * Writers are kept out first, while readers go on; then every object that the old table has must be in the new one. A
 * reader whose snapshot is older than the last of them is waited for: it would see a table that is empty in its snapshot.
 *
 * @throws {NotReadyError} an object is on its way, or a reader or a load holds a table
 * @throws {TerminalError} something that others have made does not fit the new table; or rows would be missing
 */
export async function takeOver(client: pg.ClientBase, options: TakeOverOptions): Promise<void> {
  const { schema, migrating, migratingHash, targetNumber, patienceMs = 5000 } = options;
  const { migration } = migrating;
  if (migration === undefined) throw new TypeError(`${migrating.name} has no tables to take over`);
  const quoted = migration.tables.map(({ table, next }) => ({
    table: quoteQualified(schema, table),
    next: quoteQualified(schema, next),
  }));
  const olds = quoted.map(({ table }) => table).join(', ');
  const nexts = quoted.map(({ next }) => next).join(', ');
  await inTransaction(client, async () => {
    await client.query(`set local lock_timeout = '2s'; set local statement_timeout = 0`);
    await client.query('select pg_advisory_xact_lock($1, $2)', [...warehouseLocks.tables]);
    const binding = await readBinding(client);
    if (binding?.modelId !== migratingHash) {
      throw new NotReadyError('the warehouse does not have the tables that are to be filled yet');
    }
    await orNotReady(() => client.query(`lock table ${olds} in share row exclusive mode`));
    const deadline = performance.now() + patienceMs;
    for (const each of migration.tables) await waitUntilWhole(client, each, deadline);
    await orNotReady(() => client.query(`lock table ${nexts} in share row exclusive mode`));
    await waitForReaders(client, deadline);
    for (const each of migration.tables) {
      await carryOver(client, each, options);
      if (options.mayLack !== true) await assertNoneLacking(client, each, options);
    }
    await orNotReady(() => client.query(`lock table ${olds}, ${nexts} in access exclusive mode`));
    await replaceTables(client, migration.tables, options);
    await client.query(`update ${bindingTable} set model_id = $1, model_number = $2`, [
      migration.target,
      targetNumber,
    ]);
  });
}

async function orNotReady<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== '55P03') throw cause;
    throw new NotReadyError('somebody holds a table that is to be replaced', { cause });
  }
}

/** The objects of the table that the other one does not have yet. Their loads run in other transactions, and are seen. */
async function waitUntilWhole(
  client: pg.ClientBase,
  { table, next }: NextTable,
  deadline: number,
): Promise<void> {
  for (;;) {
    const missing = await countMissing(client, { table, next });
    if (missing === 0) return;
    if (performance.now() > deadline) {
      throw new NotReadyError(`${next} does not have ${formatObjects(missing)} yet that ${table} has`);
    }
    await delay(pollMs);
  }
}

const pollMs = 50;

/** The slices of a table that another one, which is filled from the same source, does not have. */
export async function countMissing(client: pg.ClientBase, { table, next }: NextTable): Promise<number> {
  const { rows } = await client.query<{ missing: number }>(
    `select count(*)::int as missing
       from (select distinct run, slice from ${ledgerTable} where warehouse_table = $1 and lost_at is null
             except select run, slice from ${ledgerTable} where warehouse_table = $2) missing`,
    [table, next],
  );
  return rows[0]?.missing ?? 0;
}

/** Each transaction has a virtual id while it is open, and every role may see it. */
export async function selectOpenTransactions(client: pg.ClientBase): Promise<ReadonlyMap<string, number>> {
  const { rows } = await client.query<{ id: string; pid: number }>(
    `select l.virtualxid as id, l.pid from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where l.locktype = 'virtualxid' and a.datname = current_database() and l.pid <> pg_backend_pid()`,
  );
  return new Map(rows.map(({ id, pid }) => [id, pid]));
}

async function waitForReaders(client: pg.ClientBase, deadline: number): Promise<void> {
  const before = await selectOpenTransactions(client);
  for (;;) {
    const now = await selectOpenTransactions(client);
    const open = [...before].find(([id]) => now.has(id));
    if (open === undefined) return;
    if (performance.now() > deadline) {
      throw new NotReadyError(`the transaction of pid ${open[1]} is older than the new tables' last rows`);
    }
    await delay(pollMs);
  }
}

async function assertNoneLacking(
  client: pg.ClientBase,
  each: NextTable,
  options: TakeOverOptions,
): Promise<void> {
  const lacking = await countLacking(client, each, options);
  if (lacking === 0) return;
  throw new TerminalError(
    `${formatRows(lacking)} of ${each.table} ${lacking === 1 ? 'has' : 'have'} no row in ${each.next}: ${each.table} stays as it is`,
    { table: each.table },
  );
}

async function replaceTables(
  client: pg.ClientBase,
  tables: readonly NextTable[],
  { schema, target, foreignKeys, now }: TakeOverOptions,
): Promise<void> {
  const oids = await selectOids(client, schema, tables);
  const dependents = await readDependents(client, oids);
  const sequences = await selectSequences(client, schema, tables);
  for (const statement of dependents.take) await run(client, statement);
  for (const { sequence, next, column } of sequences) {
    await client.query(
      `alter sequence ${sequence} owned by ${quoteQualified(schema, next)}.${quoteIdentifier(column)}`,
    );
  }
  await run(client, {
    what: 'what depends on the old table',
    sql: `drop table ${tables.map(({ table }) => quoteQualified(schema, table)).join(', ')}`,
  });
  for (const { table, next } of tables) {
    await client.query(`drop view if exists ${quoteQualified(schema, currentNameOf(next))}`);
    await client.query(`drop table if exists ${quoteQualified('starlift', parkedName(table))}`);
    await renameTable(client, schema, next, table);
    await renameTable(client, 'starlift', parkedName(next), parkedName(table));
    await renameInLedger(client, table, `${table} (until ${now.toISOString()})`);
    await renameInLedger(client, next, table);
  }
  for (const statement of dependents.put) await run(client, statement);
  await makeCurrentViews(client, target, schema);
  for (const statement of dependents.putViews) await run(client, statement);
  await makeComments(client, tables, { schema, target, foreignKeys });
}

/**
 * @throws {TerminalError} the server says that it does not fit; the message names what it makes, and the server's reason.
 *   What may succeed when it is tried again, such as a connection that broke, is thrown as it is.
 */
async function run(client: pg.ClientBase, { what, sql }: Statement): Promise<void> {
  try {
    await client.query(sql);
  } catch (cause) {
    if (!isServerError(cause) || isTransientState(cause.code)) throw cause;
    const { message, detail } = cause as ServerError & { detail?: string };
    throw new TerminalError(
      `${what} does not fit the new table: ${message}${detail === undefined ? '' : ` (${detail.replaceAll('\n', '; ')})`}. ` +
        `Drop it, run starlift migrate again, and make it anew`,
      { cause },
    );
  }
}

/** With its keys, whose names follow the table's. */
async function renameTable(client: pg.ClientBase, schema: string, from: string, to: string): Promise<void> {
  const { rows } = await client.query<{ oid: string | null }>('select to_regclass($1)::oid::text as oid', [
    quoteQualified(schema, from),
  ]);
  const oid = rows[0]?.oid ?? undefined;
  if (oid === undefined) return;
  await client.query(`alter table ${quoteQualified(schema, from)} rename to ${quoteIdentifier(to)}`);
  const { rows: keys } = await client.query<{ name: string; renamed: string }>(
    `select k.conname as name, $3::text || substr(k.conname, length($2) + 1) as renamed
       from pg_constraint k
      where k.conrelid = $1 and starts_with(k.conname, $2 || '_')
        and to_regclass(format('%I.%I', $4::text, $3::text || substr(k.conname, length($2) + 1))) is null
        and not exists (select from pg_constraint other where other.conrelid = $1
                           and other.conname = $3::text || substr(k.conname, length($2) + 1))`,
    [oid, from, to, schema],
  );
  for (const { name, renamed } of keys) {
    await client.query(
      `alter table ${quoteQualified(schema, to)} rename constraint ${quoteIdentifier(name)} to ${quoteIdentifier(renamed)}`,
    );
  }
}

async function selectOids(
  client: pg.ClientBase,
  schema: string,
  tables: readonly NextTable[],
): Promise<string[]> {
  const { rows } = await client.query<{ oid: string | null }>(
    'select to_regclass(name)::oid::text as oid from unnest($1::text[]) name',
    [tables.map(({ table }) => quoteQualified(schema, table))],
  );
  return rows.flatMap(({ oid }) => oid ?? []);
}

interface Sequence {
  sequence: string;
  next: string;
  column: string;
}

/** The sequences of the old tables that the new ones draw their numbers from. */
async function selectSequences(
  client: pg.ClientBase,
  schema: string,
  tables: readonly NextTable[],
): Promise<Sequence[]> {
  const { rows } = await client.query<Sequence>(
    `select format('%I.%I', sn.nspname, s.relname) as sequence, wanted.next, a.attname as column
       from unnest($1::text[], $2::text[], $3::text[]) as wanted (table_name, next_name, next)
       join pg_depend owned on owned.refclassid = 'pg_class'::regclass and owned.refobjid = to_regclass(wanted.table_name)
        and owned.classid = 'pg_class'::regclass and owned.deptype = 'a'
       join pg_class s on s.oid = owned.objid and s.relkind = 'S'
       join pg_namespace sn on sn.oid = s.relnamespace
       join pg_attrdef d on d.adrelid = to_regclass(wanted.next_name)
       join pg_depend uses on uses.classid = 'pg_attrdef'::regclass and uses.objid = d.oid
        and uses.refclassid = 'pg_class'::regclass and uses.refobjid = s.oid
       join pg_attribute a on a.attrelid = d.adrelid and a.attnum = d.adnum`,
    [
      tables.map(({ table }) => quoteQualified(schema, table)),
      tables.map(({ next }) => quoteQualified(schema, next)),
      tables.map(({ next }) => next),
    ],
  );
  return rows;
}

/** Where Postgres has no keys that it does not enforce, comments say what references what, by name. */
async function makeComments(
  client: pg.ClientBase,
  tables: readonly NextTable[],
  { schema, target, foreignKeys }: Pick<TakeOverOptions, 'schema' | 'target' | 'foreignKeys'>,
): Promise<void> {
  const { rows } = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
  );
  const options = { foreignKeys, serverVersion: rows[0]?.version ?? 0 };
  const relations = warehouseRelations(target, schema).filter(({ name }) =>
    tables.some(({ table }) => table === name),
  );
  for (const relation of relations) {
    const comments = createStatements(relation, options).filter((sql) => sql.startsWith('comment on'));
    for (const comment of comments) await client.query(comment);
  }
}

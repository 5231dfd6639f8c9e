import type pg from 'pg';
import { quoteQualified } from '../postgres/identifier.ts';
import { deletedByColumn } from '../warehouse/warehouse-schema.ts';
import { censusTable, deletionTable, ledgerTable } from './schema/ledger-schema.ts';

/** What the newest census of a warehouse table that matters has come to. */
export interface TableCensus {
  table: string;
  /** - `held`: an operator has to decide; `due`: it is applied once more, because older rows came in since */
  state: 'applied' | 'held' | 'due' | 'unmarked';
  /** Of a held one, why: a clause. */
  reason: string | null;
  /** Of its processed object. */
  key: string;
  run: string;
  slice: string;
  /** Decimal digits. */
  generation: string;
  /** ISO 8601: when it was applied, or held. */
  at: string;
  keys: number;
}

/**
 * Reads the newest census of each table; one that an operator has dismissed, or that a newer one makes up for, is passed over.
 * Of one in parts a part that needs attention stands for all.
 *
 * @param client of a warehouse that this version has made, or migrated
 */
export async function selectCensuses(client: pg.ClientBase): Promise<TableCensus[]> {
  const censuses = new Map<string, TableCensus>();
  for (const part of await selectParts(client)) {
    const known = censuses.get(part.table);
    if (known === undefined) censuses.set(part.table, part);
    else if (known.run === part.run) {
      const keys = known.keys + part.keys;
      const isWorse = gravity.indexOf(part.state) < gravity.indexOf(known.state);
      censuses.set(part.table, { ...(isWorse ? part : known), keys });
    } else if (known.state === 'applied' && part.state !== 'applied') {
      // A part of it is newer than what makes up for the rest.
      censuses.set(part.table, { ...part, keys: known.keys });
    }
  }
  return [...censuses.values()];
}

const gravity: readonly TableCensus['state'][] = ['held', 'unmarked', 'due', 'applied'];

/** All parts of the censuses that matter, the newest first. */
export async function selectParts(client: pg.ClientBase): Promise<TableCensus[]> {
  const { rows } = await client.query<TableCensus>(
    `select c.warehouse_table as table, o.key, o.run, o.slice, o.generation::text as generation, c.reason,
            case when c.due_since is not null then 'due' else c.state end as state, c.keys::float8 as keys,
            to_char(coalesce(c.due_since, c.applied_at) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
       from ${censusTable} c join ${ledgerTable} o using (object_id)
      where c.state in ('applied', 'held', 'unmarked')
      order by c.warehouse_table, o.generation desc, o.snapshot_xmax desc, o.snapshot_xmin desc, o.tie desc, o.revision desc`,
  );
  return rows;
}

/** The same of any warehouse: there are none in one that an older version has made. */
export async function selectKnownCensuses(client: pg.ClientBase): Promise<TableCensus[]> {
  const { rowCount } = await client.query('select where to_regclass($1) is not null', [censusTable]);
  return rowCount === 0 ? [] : selectCensuses(client);
}

/** As `selectKnownCensuses`, of each part. */
export async function selectKnownParts(client: pg.ClientBase): Promise<TableCensus[]> {
  const { rowCount } = await client.query('select where to_regclass($1) is not null', [censusTable]);
  return rowCount === 0 ? [] : selectParts(client);
}

/** The rows of a table that are marked as deleted. @returns null where it has no marks */
export async function countMarked(
  client: pg.ClientBase,
  schema: string,
  table: string,
): Promise<number | null> {
  const name = quoteQualified(schema, table);
  const { rowCount } = await client.query(
    `select from pg_attribute where attrelid = to_regclass($1) and attname = $2 and not attisdropped`,
    [name, deletedByColumn],
  );
  if (rowCount === 0) return null;
  const { rows } = await client.query<{ marked: number }>(
    `select count(*)::float8 as marked from ${name} where ${deletedByColumn} is not null`,
  );
  return rows[0]?.marked ?? 0;
}

/** Enters that a census has marked or removed rows, to be committed with them. */
export async function enterDeletion(
  client: pg.ClientBase,
  { table, objectId, rows }: { table: string; objectId: string; rows: number },
): Promise<void> {
  if (rows === 0) return;
  await client.query(`insert into ${deletionTable} (warehouse_table, object_id, rows) values ($1, $2, $3)`, [
    table,
    objectId,
    rows,
  ]);
}

/**
 * The rows that were marked or removed since then, by warehouse table.
 *
 * @param since by the warehouse's clock
 */
export async function countDeleted(
  client: pg.ClientBase,
  since: string,
): Promise<ReadonlyMap<string, number>> {
  const { rowCount } = await client.query('select where to_regclass($1) is not null', [deletionTable]);
  if (rowCount === 0) return new Map();
  const { rows } = await client.query<{ table: string; rows: number }>(
    `select warehouse_table as table, sum(rows)::float8 as rows from ${deletionTable}
      where entered_at >= $1::timestamptz group by warehouse_table`,
    [since],
  );
  return new Map(rows.map(({ table, rows: deleted }) => [table, deleted]));
}

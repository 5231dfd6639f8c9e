import type pg from 'pg';
import { ledgerRelations } from '../../shared/ledger/schema/ledger-relations.ts';
import { parkedName, warehouseLocks } from '../../shared/ledger/schema/ledger-schema.ts';
import { renameInLedger } from '../../shared/ledger/schema/rename-table.ts';
import type { Model } from '../../shared/model/model.ts';
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../../shared/postgres/identifier.ts';
import { inTransaction } from '../../shared/postgres/transaction.ts';
import { readCatalog } from '../../shared/warehouse/catalog.ts';
import { currentNameOf } from '../../shared/warehouse/current/current-view.ts';
import { createStatements, type DdlOptions, type Relation } from '../../shared/warehouse/relation.ts';
import { warehouseRelations } from '../../shared/warehouse/warehouse-schema.ts';

export interface MakeNextOptions {
  schema: string;
  foreignKeys: DdlOptions['foreignKeys'];
}

/**
 * Makes the tables that are about to be filled, before a load knows the model that has them: a load that made one would
 * number its rows from 1 on, and the numbers have to be those that readers know.
 *
 * @param inForce its tables are there, or are a matter for others
 * @param migrating has the tables to be filled
 */
export async function makeNextTables(
  client: pg.ClientBase,
  { inForce, migrating }: { inForce: Model; migrating: Model },
  { schema, foreignKeys }: MakeNextOptions,
): Promise<void> {
  const known = new Set(relationsOf(inForce, schema).map(nameOf));
  const wanted = relationsOf(migrating, schema).filter((relation) => !known.has(nameOf(relation)));
  await inTransaction(client, async () => {
    await client.query('select pg_advisory_xact_lock($1, $2)', [...warehouseLocks.tables]);
    const found = await readCatalog(client, wanted);
    const { rows } = await client.query<{ version: number }>(
      `select current_setting('server_version_num')::int as version`,
    );
    const options = { foreignKeys, serverVersion: rows[0]?.version ?? 0 };
    for (const relation of wanted) {
      if (found.some(({ schema, name }) => schema === relation.schema && name === relation.name)) continue;
      for (const statement of createStatements(relation, options)) await client.query(statement);
    }
    for (const { table, next } of migrating.migration?.tables ?? []) {
      const [before, after] = [inForce.table(table), migrating.table(next)];
      const [from, to] = [before, after].map((each) =>
        each.kind === 'fact' ? each.surrogateKey : undefined,
      );
      if (from === undefined || to === undefined) continue;
      await drawFromSameSequence(client, schema, { table, column: from }, { table: next, column: to });
    }
  });
}

/**
 * Drops what an earlier migration has filled that was given up. Its ledger's entries stay, under a name that no table has:
 * a ledger from which entries vanish looks like one that was restored from a backup.
 */
export async function dropNextTables(
  client: pg.ClientBase,
  schema: string,
  tables: readonly string[],
  now: Date,
): Promise<void> {
  await inTransaction(client, async () => {
    await client.query('select pg_advisory_xact_lock($1, $2)', [...warehouseLocks.tables]);
    for (const name of tables) {
      await client.query(`drop view if exists ${quoteQualified(schema, currentNameOf(name))}`);
    }
    const quoted = tables.map((name) => quoteQualified(schema, name));
    if (quoted.length > 0) await client.query(`drop table if exists ${quoted.join(', ')}`);
    for (const name of tables) {
      await client.query(`drop table if exists ${quoteQualified('starlift', parkedName(name))}`);
      await renameInLedger(client, name, `${name} (given up ${now.toISOString()})`);
    }
  });
}

const relationsOf = (model: Model, schema: string): Relation[] => [
  ...warehouseRelations(model, schema),
  ...ledgerRelations(model),
];

const nameOf = ({ schema, name }: Relation): string => quoteQualified(schema, name);

interface NumberedTable {
  table: string;
  /** Its surrogate key. */
  column: string;
}

/** No number of the one is ever a number of the other, so that numbers can be taken over row by row. */
async function drawFromSameSequence(
  client: pg.ClientBase,
  schema: string,
  before: NumberedTable,
  next: NumberedTable,
): Promise<void> {
  const sequenceOf = async ({ table, column }: NumberedTable) => {
    const { rows } = await client.query<{ sequence: string | null }>(
      'select pg_get_serial_sequence($1, $2) as sequence',
      [quoteQualified(schema, table), column],
    );
    return rows[0]?.sequence ?? undefined;
  };
  const [sequence, own] = [await sequenceOf(before), await sequenceOf(next)];
  if (sequence === undefined || own === undefined) return;
  const column = `alter table ${quoteQualified(schema, next.table)} alter column ${quoteIdentifier(next.column)}`;
  await client.query(`${column} set default nextval(${quoteLiteral(sequence)}::regclass)`);
  await client.query(`drop sequence ${own}`);
}

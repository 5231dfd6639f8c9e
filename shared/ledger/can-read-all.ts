import type pg from 'pg';
import type { Model } from '../model/model.ts';
import { quoteQualified } from '../postgres/identifier.ts';
import { ledgerTable } from './schema/ledger-schema.ts';

/** Whether the ledger and all of the model's tables are there, and this role may read them. */
export async function canReadAll(warehouse: pg.ClientBase, model: Model, schema: string): Promise<boolean> {
  const names = [ledgerTable, ...model.tables.map(({ name }) => quoteQualified(schema, name))];
  const { rows } = await warehouse.query<{ can: boolean }>(
    `select bool_and(coalesce(has_table_privilege(to_regclass(name), 'select'), false)) as can
       from unnest($1::text[]) name`,
    [names],
  );
  return rows[0]?.can === true;
}

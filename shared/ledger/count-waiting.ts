import type pg from 'pg';
import type { Fact, Model } from '../model/model.ts';
import { quoteIdentifier, quoteQualified } from '../postgres/identifier.ts';
import { isNewer, matches } from '../warehouse/is-newer.ts';
import { selectReadable } from '../warehouse/readable-tables.ts';
import { businessKey, deletedByColumn, objectIdColumn } from '../warehouse/warehouse-schema.ts';
import { ledgerTable, parkedTable } from './schema/ledger-schema.ts';

export interface WaitingRows {
  /** The fact. */
  table: string;
  /** The run whose objects the rows came in; null if the ledger has lost them. */
  run: string | null;
  rows: number;
}

/**
 * Counts the facts' rows that wait for a dimension. A fact that is gone, or that this role may not read, is left out: it is a
 * finding of its own (`checkTables`), and does not hide the others.
 *
 * A parked row whose key the source no longer has waits for nothing that matters. One that the warehouse has in the same or a newer version is not waiting, and is not counted: two concurrent
 * loads can leave such a row, until the next release removes it.
 */
export async function countWaiting(
  client: pg.ClientBase,
  model: Model,
  schema: string,
): Promise<WaitingRows[]> {
  const wanted = model.tables.filter((table) => table.kind === 'fact');
  const readable = await selectReadable(
    client,
    schema,
    wanted.map(({ name }) => name),
  );
  const facts = wanted.filter(({ name }) => readable.has(name));
  if (facts.length === 0) return [];
  const { rows } = await client.query<WaitingRows>(
    facts.map((fact, index) => selectWaiting(fact, schema, index + 1)).join('\nunion all\n'),
    facts.map(({ name }) => name),
  );
  return rows;
}

function selectWaiting(fact: Fact, schema: string, parameter: number): string {
  const key = businessKey(fact).map(quoteIdentifier);
  return `
    select $${parameter}::text as table, o.run, count(*)::int as rows
    from ${parkedTable(fact.name)} p left join ${ledgerTable} o on o.object_id = p.${quoteIdentifier(objectIdColumn)}
    where p.${quoteIdentifier(deletedByColumn)} is null and not exists (
      select from ${quoteQualified(schema, fact.name)} t
      where ${matches(key, 'p', 't')} and not ${isNewer('p', 't')}
    )
    group by o.run`;
}

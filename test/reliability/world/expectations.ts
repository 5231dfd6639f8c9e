import { expect } from '@jest/globals';
import type pg from 'pg';
import { buckets, queueNames } from '../../../cli/embedded/resources.ts';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import { makeObjectStore, type ObjectStore } from '../../../shared/object-store/object-store.ts';
import { deadLetterQueueName, queueKinds } from '../../../shared/queue/queue-settings.ts';
import { hasObject } from '../../../shared/records/plan/empty-slices.ts';
import type { PlannedRun } from '../../../shared/records/plan/run-record.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import type { World } from './world.ts';

/** Each fact's values that a version of it is told by, in the source and in the warehouse. */
const facts = {
  sales_order: 'units_sold, unit_price',
  purchase_order: 'item_quantity, item_unit_price',
  payment: 'paid, payment_amount',
};

/**
 * All that the source has shown of each version of a fact: `sales_order 7 2024-03-01 09:00:00.000001` to its values,
 * of which there are several where it was edited in place, the latest last.
 */
export type History = Map<string, string[]>;

/** Adds what the source shows now. */
export async function remember(history: History, source: pg.Client): Promise<void> {
  for (const [version, values] of await readVersions(source, (fact) => [fact, 'last_updated'])) {
    const known = history.get(version) ?? [];
    history.set(version, [...known.filter((each) => each !== values), values]);
  }
}

/** Asserts that the warehouse has what the source asks for, by SQL that shares nothing with the pipeline. */
export async function expectExact({ source, warehouse }: World): Promise<void> {
  const report = await verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model: totesys });
  const faulty = report.tables.filter(
    ({ problem, missing, extra, marked, undeleted, doubled, different, dangling }) =>
      problem !== undefined || missing + extra + marked + undeleted + doubled + different + dangling > 0,
  );
  expect(faulty).toEqual([]);
  // Keys that came after the initial load have come.
  const { rows: keys } = await warehouse.query<{ fact: string; type: string }>(`
    select conrelid::regclass::text as fact, string_agg(contype, '' order by contype) as type
    from pg_constraint where contype in ('p', 'u') and conrelid::regclass::text like 'fact_%' group by 1`);
  for (const fact of Object.keys(facts)) {
    expect(keys).toContainEqual({ fact: `fact_${fact}`, type: 'pu' });
    expect((await warehouse.query(`select * from starlift.parked_fact_${fact}`)).rows).toEqual([]);
  }
}

/** Asserts that the warehouse has every version that the source has shown, as it was shown last, and no other. */
export async function expectWholeHistory({ warehouse }: World, history: History): Promise<void> {
  const latest = [...history].map(([version, values]) => `${version}: ${values.at(-1)}`);
  const found = (await readWarehouseVersions(warehouse)).map(([version, values]) => `${version}: ${values}`);
  expect(found.sort()).toEqual(latest.sort());
}

/** Asserts that the warehouse has no version of a fact twice, nor one that the source has never shown. */
export async function expectTrueHistory({ warehouse }: World, history: History): Promise<void> {
  const found = await readWarehouseVersions(warehouse);
  expect(found.filter(([version, values]) => !history.get(version)?.includes(values))).toEqual([]);
  expect(new Set(found.map(([version]) => version)).size).toBe(found.length);
}

const readWarehouseVersions = (warehouse: pg.Client) =>
  readVersions(warehouse, (fact) => [`fact_${fact}`, 'last_updated_date + last_updated_time']);

async function readVersions(
  client: pg.Client,
  locate: (fact: string) => [table: string, updated: string],
): Promise<[version: string, values: string][]> {
  const queries = Object.entries(facts).map(([fact, values]) => {
    const [table, updated] = locate(fact);
    const at = `to_char(${updated}, 'YYYY-MM-DD HH24:MI:SS.US')`;
    return `select concat_ws(' ', '${fact}', ${fact}_id, ${at}), concat_ws(' ', ${values}) from ${table}`;
  });
  const text = queries.join(' union all ');
  return (await client.query<[string, string]>({ text, rowMode: 'array' })).rows;
}

/** Asserts that no message is left anywhere, dead or alive, and that no failure is still on record. */
export async function expectNothingLeft({ queues, clients }: World): Promise<void> {
  for (const kind of queueKinds) {
    for (const name of [queueNames[kind], deadLetterQueueName(queueNames[kind])]) {
      expect({ name, messages: queues.count(name) }).toEqual({ name, messages: 0 });
    }
  }
  const failed: string[] = [];
  for await (const { key } of makeObjectStore(clients.s3, buckets.ingested).list('failed/')) failed.push(key);
  expect(failed).toEqual([]);
}

/** Of the slices of a plan, those in which its extracts have found rows. A look that extracts do sends all ranges of a table. */
export async function findNews(
  ingested: Pick<ObjectStore, 'list'>,
  { run, slices }: Pick<PlannedRun, 'run' | 'slices'>,
): Promise<string[]> {
  const news: string[] = [];
  for (const { table, slice } of slices) {
    if (await hasObject(ingested, { run, table, slice })) news.push(`${table} ${slice}`);
  }
  return news;
}

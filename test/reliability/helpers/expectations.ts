import { expect } from '@jest/globals';
import type pg from 'pg';
import { buckets, queueNames } from '../../../cli/embedded/resources.ts';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { deadLetterQueueName, queueKinds } from '../../../shared/queue/queue-settings.ts';
import type { World } from './world.ts';

const facts = ['sales_order', 'purchase_order', 'payment'] as const;

/** Every version of every fact that the source has shown when a run was planned, as `sales_order 7 2024-03-01 …`. */
export type History = Set<string>;

/** Adds what the source shows now. */
export async function remember(history: History, source: pg.Client): Promise<void> {
  for (const fact of facts) {
    const updated = `to_char(last_updated, 'YYYY-MM-DD HH24:MI:SS.US')`;
    for (const version of await texts(source, `select ${fact}_id || ' ' || ${updated} from ${fact}`)) {
      history.add(`${fact} ${version}`);
    }
  }
}

/** Asserts that the warehouse is what the source asks for, by SQL that shares nothing with the pipeline. */
export async function expectExact({ source, warehouse }: World, history: History): Promise<void> {
  const report = await verifyWarehouse({ source, warehouse, warehouseSchema: 'public' });
  const faulty = report.tables.filter(
    ({ problem, missing, extra, doubled, different, dangling }) =>
      problem !== undefined || missing + extra + doubled + different + dangling > 0,
  );
  expect(faulty).toEqual([]);
  const versions: string[] = [];
  for (const fact of facts) {
    const updated = `to_char(last_updated_date + last_updated_time, 'YYYY-MM-DD HH24:MI:SS.US')`;
    const found = await texts(warehouse, `select ${fact}_id || ' ' || ${updated} from fact_${fact}`);
    versions.push(...found.map((version) => `${fact} ${version}`));
    expect(await texts(warehouse, `select ${fact}_id::text from starlift.parked_fact_${fact}`)).toEqual([]);
  }
  expect(versions.sort()).toEqual([...history].sort());
}

/** Asserts that no message is left anywhere, dead or alive, and that no failure is still on record. */
export async function expectNothingLeft({ queues, clients }: World): Promise<void> {
  for (const kind of queueKinds) {
    for (const name of [queueNames[kind], deadLetterQueueName(queueNames[kind])]) {
      expect({ name, messages: await queues.count(name) }).toEqual({ name, messages: 0 });
    }
  }
  const failed: string[] = [];
  for await (const { key } of makeObjectStore(clients.s3, buckets.ingested).list('failed/')) failed.push(key);
  expect(failed).toEqual([]);
}

async function texts(client: pg.Client, query: string): Promise<string[]> {
  const { rows } = await client.query<[string]>({ text: query, rowMode: 'array' });
  return rows.map(([text]) => text);
}

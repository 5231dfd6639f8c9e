import { buckets, queueNames } from '../../../cli/embedded/resources.ts';
import { sendDueCensuses } from '../../../services/loading/census/due.ts';
import { loadedKey } from '../../../shared/object-store/object-key.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { readCaptureState } from '../../../shared/records/plan/capture-state.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import type { World } from './world.ts';

/** The tables of which the test deletes rows, with their keys. */
const deletedFrom = [
  { source: 'payment', warehouse: 'fact_payment', key: 'payment_id', as: 'payment_id' },
  { source: 'address', warehouse: 'dim_location', key: 'address_id', as: 'location_id' },
];

/** What a sweep of the loading service notes: from now on the tables' keys are read, too. */
export async function noteWhole({ clients }: World): Promise<void> {
  const whole = totesys.sources.map(({ name }) => name);
  const loaded = { version: 1, newest: null, entries: 0, generation: '0', whole };
  await makeObjectStore(clients.s3, buckets.ingested).put(loadedKey, Buffer.from(JSON.stringify(loaded)));
}

/** As the loading sweep does. @returns how many there were */
export const sendDue = ({ warehouse, clients, cloud }: World): Promise<number> =>
  sendDueCensuses(warehouse, {
    sqs: clients.sqs,
    loadQueueUrl: cloud.queueUrl(queueNames.load),
    processedBucket: buckets.processed,
    schema: 'public',
  });

const settledWithinMs = 120_000;

/**
 * Plans and delivers until every deleted row is marked, and no census is under way: one that took long on a busy machine rests
 * before the next one.
 *
 * @throws {Error} rows are not marked, or are marked wrongly, though there was time enough
 */
export async function settleCensuses(
  world: World,
  { plan, deliver }: { plan(): Promise<unknown>; deliver(): Promise<unknown> },
): Promise<void> {
  const deadline = Date.now() + settledWithinMs;
  for (;;) {
    while ((await sendDue(world)) > 0) await deliver();
    const wrong = await findWrongMarks(world);
    if (wrong.length === 0 && !(await isAnySent(world))) return;
    if (Date.now() > deadline) throw new Error(`rows are marked wrongly, or not: ${wrong.join(', ')}`);
    await plan();
    await deliver();
  }
}

async function isAnySent({ clients }: World): Promise<boolean> {
  const read = await readCaptureState(makeObjectStore(clients.s3, buckets.ingested));
  return Object.values(read?.state.censuses ?? {}).some(({ sent }) => sent !== undefined);
}

/** By SQL that shares nothing with the pipeline. Of a key that is back, earlier versions may be marked still. */
async function findWrongMarks({ source, warehouse }: World): Promise<string[]> {
  const wrong: string[] = [];
  for (const table of deletedFrom) {
    const { rows: there } = await source.query<{ key: number }>(
      `select ${table.key} as key from ${table.source}`,
    );
    const { rows } = await warehouse.query<{ key: number }>(
      `select distinct ${table.as} as key from ${table.warehouse}
        where _deleted_by is null and ${table.as} <> all ($1) order by 1`,
      [there.map(({ key }) => key)],
    );
    wrong.push(...rows.map(({ key }) => `${table.warehouse} ${key}`));
  }
  return wrong;
}

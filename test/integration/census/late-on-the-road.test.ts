import { DeleteMessageCommand, type Message, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { buckets } from '../../../cli/embedded/resources.ts';
import { sendDueCensuses } from '../../../services/loading/census/due.ts';
import { loadedKey } from '../../../shared/object-store/object-key.ts';
import { sendAll } from '../../../shared/queue/send-all.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { MigratedRoad } from '../models/migrated-road.ts';
import { byId, salesTables } from '../models/sales-model.ts';

let server: PostgresServer;
let road: MigratedRoad;
beforeAll(async () => {
  server = await startTemporaryPostgres();
  road = await MigratedRoad.start(server, 'late', { definition: byId, tables: salesTables });
});
afterAll(async () => {
  await road?.end();
  await server?.stop();
});

/** Takes all messages off the queue of loads, which nobody works off. */
async function takeLoads(): Promise<Message[]> {
  const { clients, queueUrl } = road.road;
  const QueueUrl = queueUrl('load');
  const taken: Message[] = [];
  for (;;) {
    const { Messages = [] } = await clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }),
    );
    if (Messages.length === 0) return taken;
    for (const { ReceiptHandle } of Messages)
      await clients.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    taken.push(...Messages);
  }
}

it('a version that comes in after the census that has missed its key is marked by it, once it is applied again', async () => {
  await road.road.run();
  await road.road.stop('load');
  await road.source.query(
    `update sale set cents = 7, changed = changed + interval '1 day' where sale_id = 3`,
  );
  await road.road.plan();
  await road.road.settle('transform');
  await road.road.stop('transform');
  const late = await takeLoads();
  expect(late.length).toBeGreaterThan(0);
  for (const kind of ['transform', 'load'] as const) road.road.start(kind);

  await road.source.query('delete from sale where sale_id = 3');
  const whole = { version: 1, newest: null, entries: 0, generation: '0', whole: ['sale', 'shop'] };
  await road.road.ingested.put(loadedKey, Buffer.from(JSON.stringify(whole)));
  await road.road.run();
  const marks = () =>
    road.ask(
      road.warehouse,
      'select cents, _deleted_by is not null from fact_sale where sale_id = 3 order by changed',
    );
  expect(await marks()).toEqual([['3', 't']]);

  const { sqs } = road.road.clients;
  await sendAll(
    sqs,
    road.road.queueUrl('load'),
    late.map(({ Body = '' }) => ({ body: Body })),
  );
  await road.road.settle('load');
  expect(await marks()).toEqual([
    ['3', 't'],
    ['7', 'f'],
  ]);
  const deps = {
    sqs,
    loadQueueUrl: road.road.queueUrl('load'),
    processedBucket: buckets.processed,
    schema: 'public',
  };
  expect(await sendDueCensuses(road.warehouse, deps)).toBe(1);
  await road.road.settle('load');
  expect(await marks()).toEqual([
    ['3', 't'],
    ['7', 't'],
  ]);
  expect(await sendDueCensuses(road.warehouse, deps)).toBe(0);
});

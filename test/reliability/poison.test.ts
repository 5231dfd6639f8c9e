import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { stage } from '../../cli/embedded/resources.ts';
import type { DeadLetter } from '../../cli/site/dead-letter.ts';
import { verifyWarehouse } from '../../cli/verify/verify-warehouse.ts';
import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import { changeEverything } from '../helpers/inline-road/change-everything.ts';
import { type InlineRoad, startInlineRoad } from '../helpers/inline-road/inline-road.ts';
import { makeShop, openShop } from '../helpers/inline-road/shop.ts';
import { totesys } from '../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import type { Made, Poison } from './poison/poison.ts';
import { poisonTable } from './poison/poison-table.ts';

describe('poison', () => {
  let server: PostgresServer;
  let source: pg.Client;
  let warehouse: pg.Client;
  let road: InlineRoad;
  let letters: DeadLetter[];
  let events: ReturnType<InlineRoad['events']>;
  const made = new Map<Poison, Made>();

  beforeAll(async () => {
    server = await startTemporaryPostgres({ settings: { wal_writer_delay: '1ms' } });
    [source, warehouse] = (await Promise.all(
      ['shop', 'warehouse'].map(async (name) => connect(await server.createDatabase(name))),
    )) as [pg.Client, pg.Client];
    await makeShop(source);
    await openShop(source);
    const [sourceUrl, warehouseUrl] = [server.url('shop'), server.url('warehouse')];
    road = await startInlineRoad({ sourceUrl, warehouseUrl });
    await road.run();
    for (const kind of queueKinds) await road.stop(kind);
    await changeEverything(source);
    // Each queue has its poison among the run's own messages, and up to ten of both make one invocation.
    await poison('extract');
    await road.plan();
    for (const kind of queueKinds) {
      if (kind !== 'extract') await poison(kind);
      await road.settle(kind);
    }
    letters = await road.deadLetters();
    events = road.events();
  });
  afterAll(async () => {
    await road.end();
    await Promise.all([source.end(), warehouse.end()]);
    await server.stop();
  });

  async function poison(kind: QueueKind): Promise<void> {
    for (const each of poisonTable[kind]) {
      const what = await each.make(road);
      made.set(each, what);
      if (!('body' in what)) continue;
      await road.clients.sqs.send(
        new SendMessageCommand({ QueueUrl: road.queueUrl(kind), MessageBody: what.body }),
      );
    }
  }

  /** The letters of one row of the table. */
  const lettersOf = (row: Poison): DeadLetter[] =>
    letters.filter(({ queue, body, key }) => {
      const what = made.get(row);
      if (queue !== row.queue || what === undefined) return false;
      return 'body' in what ? body === what.body : key === what.key;
    });

  const rows = queueKinds.flatMap((kind) => poisonTable[kind].map((row) => [kind, row.kind, row] as const));

  it.each(rows)('on the %s queue, %s: ends where the operator sees it', (_queue, _kind, row) => {
    const { expected } = row;
    const found = lettersOf(row);
    if (expected.end === 'dead letter') {
      expect(found).toHaveLength(1);
      const [letter] = found;
      // A body of 256 KiB leaves no room for attributes: then the event alone says why.
      const isFull = (letter?.body.length ?? 0) >= 256 * 1024;
      const told = events.filter(
        ({ type, detail }) =>
          type === 'Table Failed' &&
          detail.queue === row.queue &&
          expected.reason.test(String(detail.reason)),
      );
      expect(told.length).toBeGreaterThan(0);
      if (isFull) return;
      expect(letter).toMatchObject({
        error: expect.stringMatching(/^(Terminal|LostObject)Error$/),
        reason: expect.stringMatching(expected.reason),
      });
      expect(letter?.table).toBe(expected.table);
      if (expected.key !== undefined) expect(letter?.key).toMatch(expected.key);
      return;
    }
    expect(found).toEqual([]);
    if (expected.end === 'nothing') return;
    const what = made.get(row);
    const slice = what !== undefined && 'key' in what ? /Z[0-9a-f]{4}-\d+/.exec(what.key)?.[0] : undefined;
    const told = events.filter(
      ({ type, detail }) => type === 'Rows Quarantined' && String(detail.key).includes(slice ?? '?'),
    );
    expect(told).toEqual([
      {
        type: 'Rows Quarantined',
        detail: {
          stage,
          table: expected.table,
          rows: expected.rows,
          key: expect.stringMatching(/^quarantine\//),
          summary: expect.stringContaining(`of ${expected.table} broke the contract`),
          firstInHour: expect.any(Boolean),
        },
      },
    ]);
  });

  it('makes one dead letter and one event each, and no more', () => {
    const deadly = rows.filter(([, , { expected }]) => expected.end === 'dead letter');
    expect(letters).toHaveLength(deadly.length);
    expect(events.filter(({ type }) => type === 'Table Failed')).toHaveLength(deadly.length);
  });

  it('harms nothing else: all that changed in the source meanwhile has landed', async () => {
    const report = await verifyWarehouse({ source, warehouse, warehouseSchema: 'public', model: totesys });
    expect(
      report.tables.filter(({ missing, different, dangling }) => missing + different + dangling > 0),
    ).toEqual([]);
    // A misplaced object whose rows are all in quarantine has added none.
    expect(report.tables.filter(({ extra, doubled }) => extra + doubled > 0)).toEqual([]);
  });

  it('is the same once more when it is sent back unmended', async () => {
    const before = letters.length;
    for (const { queue, body } of letters) {
      await road.clients.sqs.send(
        new SendMessageCommand({ QueueUrl: road.queueUrl(queue), MessageBody: body }),
      );
    }
    await road.settle();
    expect(await road.deadLetters()).toHaveLength(2 * before);
  });
});

async function connect(url: string): Promise<pg.Client> {
  const client = new pg.Client(url);
  await client.connect();
  return client;
}

import { beforeEach, describe, expect, it } from '@jest/globals';
import { resendExpiredSlices } from '../../../services/ingestion/sweep/lost-slices.ts';
import { putRetrying } from '../../../shared/records/retrying.ts';
import { startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from './capture-bench.ts';
import { benchInEachTest } from './each-bench.ts';
import { shopModel } from './shop-model.ts';

const day = 24 * 3600 * 1000;

describe('a slice whose message has expired', () => {
  let bench: CaptureBench;
  benchInEachTest(startTemporaryPostgres, (made) => {
    bench = made;
  });
  beforeEach(async () => {
    await bench.source.query(`insert into item values (1, 'a'); insert into department values (1, 'Sales')`);
  });

  /** The sweep, as if so many days had passed since now. */
  const sweepIn = (days: number, store = bench.store, model = shopModel) =>
    resendExpiredSlices({
      ingested: store,
      countQueued: async () => bench.queue.length,
      send: async (messages) => void bench.queue.push(...messages),
      model,
      now: () => new Date(Date.now() + days * day),
    });
  /** The handler's note that a slice is retried; it is due in so many days. */
  const noteRetried = ({ run, slice }: { run: string; slice: string }, days: number) =>
    putRetrying(bench.store, `${run} ${slice}`, {
      queue: 'extract',
      key: `failed/${run}-${slice}.json`,
      attempts: 0,
      by: 'source',
      error: 'RefusedError',
      reason: 'the source does not answer',
      waitingSince: new Date().toISOString(),
      triedAt: new Date().toISOString(),
      nextAt: new Date(Date.now() + days * day).toISOString(),
    });

  it('is left alone while a copy of its message is retried, and sent again where that is lost', async () => {
    await bench.run();
    await bench.source.query(`insert into item values (2, 'b')`);
    const { run } = await bench.plan();
    const [message] = bench.queue;
    await noteRetried({ run, slice: message?.slice ?? '' }, 5);
    expect(await sweepIn(4.5)).toEqual([]);
    expire();
    // Once more when no message of the run can be left, and the note is overdue.
    expect(await sweepIn(9)).toEqual([`${run}-${message?.slice}`]);
  });

  /** What a queue does with messages that nobody takes. */
  const expire = () => bench.queue.splice(0);

  it('is sent again as it was, once the queue cannot have it any more, and nothing is lost', async () => {
    await bench.run();
    await bench.source.query(`insert into item values (2, 'b'); insert into department values (2, 'Stock')`);
    const { run } = await bench.plan();
    const [first, ...rest] = expire();
    if (first !== undefined) await bench.extract(first);
    expect(await sweepIn(4)).toEqual([]);
    expect(await sweepIn(4.01)).toEqual(rest.map(({ slice }) => `${run}-${slice}`));
    expect(bench.queue).toEqual(rest);
    expect(rest.map(({ table }) => table)).toEqual(['department']);
    await bench.extractAll();
    await bench.expectExact('item', 'department');
    expect(await sweepIn(9)).toEqual([]);
  });

  it('is sent every four days for as long as nobody takes it', async () => {
    const { run } = await bench.plan();
    const sent = expire().map(({ slice }) => `${run}-${slice}`);
    expect(sent).toHaveLength(3);
    expect(await sweepIn(5)).toEqual(sent);
    expire();
    expect(await sweepIn(6)).toEqual([]);
    expect(await sweepIn(8.9)).toEqual([]);
    expect(await sweepIn(9.1)).toEqual(sent);
    await bench.extractAll();
    expect(await sweepIn(14)).toEqual([]);
    await bench.expectExact('item', 'department', 'staff');
  });

  it("is nobody's work once its table has left the model", async () => {
    const { run } = await bench.plan();
    const left = expire().filter(({ table }) => table !== 'department');
    const sources = shopModel.sources.filter(({ name }) => name !== 'department');
    const sent = await sweepIn(5, bench.store, { ...shopModel, sources });
    expect(sent).toEqual(left.map(({ slice }) => `${run}-${slice}`));
  });

  it('is left to the operator where it has failed, and to nobody where it was cut and both halves are there', async () => {
    const { run } = await bench.plan();
    const messages = expire();
    const [item, department, staff] = ['item', 'department', 'staff'].map((name) =>
      messages.find(({ table }) => table === name),
    );
    const body = Buffer.from('{}');
    await bench.store.put(`failed/${run}-${item?.slice}.json`, body);
    const folder = `department/${run.slice(0, 4)}/${run.slice(4, 6)}/${run.slice(6, 8)}`;
    await bench.store.put(`${folder}/${run}-${department?.slice}.0.ndjson.zst`, body);
    const lacking = await sweepIn(5);
    expect(lacking).toEqual([department, staff].map((message) => `${run}-${message?.slice}`));
    await bench.store.put(`failed/${run}-${department?.slice}.1.json`, body);
    expect(await sweepIn(10)).toEqual([`${run}-${staff?.slice}`]);
  });

  it('is not sent where all was planned anew: under another generation, or after a plan that came to nothing', async () => {
    const failing = { send: () => Promise.reject(new Error('no queue')) };
    await expect(bench.plan(failing)).rejects.toThrow('no queue');
    await bench.run();
    expect(await sweepIn(5)).toEqual([]);

    await bench.source.query(`insert into item values (2, 'b')`);
    await bench.plan();
    expect(expire()).toHaveLength(1);
    const state = JSON.parse(
      Buffer.from(bench.store.objects.get('state/capture.json')?.body ?? []).toString(),
    );
    await bench.store.put(
      'state/capture.json',
      Buffer.from(JSON.stringify({ ...state, identity: 'another server' })),
    );
    await bench.run();
    expect(await sweepIn(10)).toEqual([]);
    await bench.expectExact('item', 'department');
  });

  it('is sent where the clock was ahead once, while a sweep ran, and is right again', async () => {
    const ahead = new Date(Date.now() + 365 * 24 * 3_600_000);
    const first = await bench.plan({ now: () => ahead });
    await bench.extractAll();
    expect(await sweepIn(370)).toEqual([]);
    await bench.source.query(`insert into item values (2, 'b')`);
    // One that breaks off, and the one that makes up for it.
    const failing = { send: () => Promise.reject(new Error('no queue')) };
    await expect(bench.plan(failing)).rejects.toThrow('no queue');
    const { run } = await bench.plan();
    const runs = [...bench.store.objects.keys()].filter((key) => key.startsWith('state/runs/')).sort();
    expect([runs.length, runs[0], runs[2]]).toEqual([
      3,
      `state/runs/${first.run}.json`,
      `state/runs/${run}.json`,
    ]);
    const [lost] = expire();
    expect(await sweepIn(3)).toEqual([]);
    expect(await sweepIn(4.01)).toEqual([`${run}-${lost?.slice}`]);
    await bench.extractAll();
    await bench.expectExact('item', 'department');
  });

  it('costs one look at each run, however many there are', async () => {
    for (let id = 2; id <= 4; id++) {
      await bench.source.query(`insert into item values (${id}, 'more')`);
      await bench.run();
    }
    const read: string[] = [];
    const counting = {
      ...bench.store,
      get: async (key: string) => {
        read.push(key);
        return bench.store.get(key);
      },
    };
    await sweepIn(5, counting);
    expect(read.filter((key) => key.startsWith('state/runs/'))).toHaveLength(3);
    read.length = 0;
    await sweepIn(5, counting);
    expect(read).toEqual(['state/swept-runs.json']);
  });
});

import { beforeEach, describe, expect, it } from '@jest/globals';
import { TerminalError, TransientError } from '../../../shared/errors.ts';
import { startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from './capture-bench.ts';
import { benchInEachTest } from './each-bench.ts';
import { ingestedObjects } from './ingested-rows.ts';

const stateKey = 'state/capture.json';

describe('the capture state', () => {
  let bench: CaptureBench;
  benchInEachTest(startTemporaryPostgres, (made) => {
    bench = made;
  });
  beforeEach(async () => {
    await bench.source.query(`insert into item values (1, 'a')`);
  });

  const readState = () => JSON.parse(Buffer.from(bench.store.objects.get(stateKey)?.body ?? []).toString());

  it('is not written when the messages could not be sent, so that the next plan sends them', async () => {
    await bench.run();
    const before = readState();
    await bench.source.query(`insert into item values (2, 'b')`);
    const failing = { send: () => Promise.reject(new TransientError('no queue')) };
    await expect(bench.plan(failing)).rejects.toThrow('no queue');
    expect(readState()).toEqual(before);
    await bench.run();
    await bench.expectExact('item');
  });

  it('keeps what the faster of two planners wrote; both have sent right messages', async () => {
    await bench.run();
    await bench.source.query(`insert into item values (2, 'b')`);
    const open = await bench.connect();
    await open.query(`begin; insert into item values (3, 'c')`);
    // Within the first plan, after it has read the state: another plan, and a commit between the two.
    const slower = await bench.plan({
      send: async (messages) => {
        bench.queue.push(...messages);
        await open.query('commit');
        await bench.plan();
      },
    });
    expect(slower.warnings).toEqual([expect.stringMatching(/another plan was faster/)]);
    await bench.extractAll();
    await bench.run();
    await bench.expectExact('item');
  });

  it('begins a generation once, though two planners see the source for the first time', async () => {
    const racing = {
      ...bench.store,
      get: async (key: string) => {
        const read = await bench.store.get(key);
        if (read === undefined && !bench.store.objects.has(stateKey)) await bench.plan();
        return read;
      },
    };
    await expect(bench.plan({ ingested: racing })).rejects.toThrow(TransientError);
    expect(new Set(bench.queue.map(({ generation }) => generation)).size).toBe(1);
    await bench.extractAll();
    await bench.expectExact('item');
  });

  it('that is corrupt is one error that names it', async () => {
    await bench.run();
    await bench.store.put(stateKey, Buffer.from('{"version":1,'));
    const failure = await bench.plan().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TerminalError);
    expect(failure).toMatchObject({ key: stateKey, message: expect.stringContaining(stateKey) });
  });

  it('that is lost leads to a full extract that counts as newer than all before', async () => {
    await bench.run();
    await bench.source.query(`update item set note = 'b'`);
    await bench.store.delete(stateKey);
    await bench.plan({ now: () => new Date(Date.now() + 5_000) });
    await bench.extractAll();
    await bench.expectExact('item');
  });

  it('of a source whose xids went back begins a new generation', async () => {
    await bench.run();
    const state = readState();
    const ahead = {
      ...state,
      captured: { base: String(BigInt(state.captured.base) + 1000n), inProgress: [] },
    };
    await bench.store.put(stateKey, Buffer.from(JSON.stringify(ahead)));
    const planned = await bench.plan();
    expect(BigInt(planned.generation)).toBeGreaterThan(BigInt(state.generation));
    expect(planned.slices.every(({ full }) => full)).toBe(true);
  });

  it('that is lost after a clock was ahead begins a generation above what is loaded', async () => {
    await bench.run();
    const newest = { id: '1', key: 'item', enteredAt: '2026-01-01T00:00:00.000000Z' };
    const loaded = { version: 1, newest, entries: 1, generation: '4000000000' };
    await bench.store.put('state/loaded.json', Buffer.from(JSON.stringify(loaded)));
    await bench.store.delete(stateKey);
    expect((await bench.plan()).generation).toBe('4000000001');
  });

  it('that was restored, and is behind what is loaded, is left behind for a generation above that', async () => {
    await bench.run();
    const state = readState();
    const loadedSince = String(BigInt(state.generation) + 5n);
    const newest = { id: '1', key: 'item', enteredAt: '2026-01-01T00:00:00.000000Z' };
    const loaded = { version: 1, newest, entries: 1, generation: loadedSince };
    await bench.store.put('state/loaded.json', Buffer.from(JSON.stringify(loaded)));
    const planned = await bench.plan();
    expect(BigInt(planned.generation)).toBeGreaterThan(BigInt(loadedSince));
    expect(planned.slices.every(({ full }) => full)).toBe(true);
  });

  const request = (id: string, tables?: readonly string[]) =>
    bench.store.put(
      `state/requests/${id}.json`,
      Buffer.from(
        JSON.stringify({ version: 1, id, reason: 'a test', requestedAt: '2026-01-01T00:00:00.000Z', tables }),
      ),
    );
  const requests = () => [...bench.store.objects.keys()].filter((key) => key.startsWith('state/requests/'));

  it('is left behind by a request: all is extracted in full once, as newer than what there was', async () => {
    const first = await bench.run();
    await request('a');
    await request('b');
    const planned = await bench.run();
    expect(planned.slices.length).toBeGreaterThan(0);
    expect(planned.slices.every(({ full }) => full)).toBe(true);
    expect(BigInt(planned.generation)).toBeGreaterThan(BigInt(first.generation));
    expect(requests()).toEqual([]);
    expect((await bench.run()).slices).toEqual([]);
    await bench.expectExact('item');
  });

  it('of one table that is requested has newer versions of that one alone, though nothing happens in the source', async () => {
    const first = await bench.run();
    await request('a', ['item']);
    const planned = await bench.run();
    expect(planned.slices.map(({ table, full }) => ({ table, full }))).toEqual([
      { table: 'item', full: true },
    ]);
    expect(planned.generation).toBe(first.generation);
    const versions = ingestedObjects(bench.store, 'item').map(({ version }) => version);
    expect(versions).toHaveLength(2);
    const [before = [], since = []] = versions;
    // The load ignores rows of an equal version.
    expect(since[1]).toBeGreaterThan(before[1] ?? 0n);
  });

  it('keeps a request that comes in while a plan is at work, and those of a plan that came to nothing', async () => {
    await request('a');
    const failing = { send: () => Promise.reject(new TransientError('no queue')) };
    await expect(bench.plan(failing)).rejects.toThrow('no queue');
    expect(requests()).toEqual(['state/requests/a.json']);
    await bench.plan({ send: () => request('b') });
    expect(requests()).toEqual(['state/requests/b.json']);
    expect((await bench.plan()).slices.every(({ full }) => full)).toBe(true);
    expect(requests()).toEqual([]);
  });

  it('refuses a corrupt request with one error that names it', async () => {
    await bench.store.put('state/requests/a.json', Buffer.from('{}'));
    await expect(bench.plan()).rejects.toMatchObject({
      name: 'TerminalError',
      message: expect.stringMatching(/^state\/requests\/a\.json is not a resync request. Delete it/),
    });
  });

  it('records a run with its slices before their messages are sent', async () => {
    let recorded: unknown;
    const planned = await bench.plan({
      send: async ([message]) => {
        const body = bench.store.objects.get(`state/runs/${message?.run}.json`)?.body ?? [];
        recorded = JSON.parse(Buffer.from(body).toString());
      },
    });
    expect(recorded).toMatchObject({
      ...planned,
      version: 1,
      plannedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { checkContinuity, rememberLedger } from '../../../shared/ledger/continuity.ts';
import { ensureWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { makeMemoryStore } from '../../helpers/rows/memory-store.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';

describe('what is remembered of the ledger', () => {
  let server: PostgresServer;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    client = new pg.Client(await server.createDatabase('warehouse'));
    await client.connect();
    await ensureWarehouse(client, smallModel, { schema: 'public', foreignKeys: 'declared' });
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });
  beforeEach(() => client.query('truncate starlift.object'));

  /** An id is drawn when a load begins, and its entry is there when it commits. */
  const enter = (ids: readonly number[], generation = 1) =>
    client.query(
      `insert into starlift.object (object_id, key, warehouse_table, run, slice, rows, quarantined, generation,
                                    snapshot_xmax, snapshot_xmin, tie, revision, entered_at)
       select id, 'object ' || id, 'dim_colour', 'r', '0000', 1, 0, $2, 1, 1, 0, 0, to_timestamp(id)
         from unnest($1::int8[]) id`,
      [ids, generation],
    );
  const look = async (store: ReturnType<typeof makeMemoryStore>) => {
    const continuity = await checkContinuity(client, store);
    return { gap: continuity.gap, remember: () => rememberLedger(client, store, continuity, smallModel) };
  };

  it('finds a ledger that was restored to before it, whatever order loads commit in and whatever comes later', async () => {
    const histories = fc.integer({ min: 1, max: 12 }).chain((count) =>
      fc.record({
        commits: fc.shuffledSubarray(
          Array.from({ length: count }, (_, index) => index + 1),
          { minLength: count },
        ),
        remembered: fc.integer({ min: 0, max: count }),
        backup: fc.integer({ min: 0, max: count }),
        later: fc.integer({ min: 0, max: 20 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(histories, async ({ commits, remembered, backup, later }) => {
        const store = makeMemoryStore();
        await client.query('truncate starlift.object');
        await enter(commits.slice(0, remembered));
        await (await look(store)).remember();
        await client.query('truncate starlift.object');
        await enter(commits.slice(0, backup));
        await enter(Array.from({ length: later }, (_, index) => 1000 + index));
        const isLost = backup < remembered;
        expect((await look(store)).gap === undefined).toBe(!isLost);
      }),
      { numRuns: 200 },
    );
  });

  it('says how many entries are missing at the least, and how new the newest is that is there', async () => {
    const store = makeMemoryStore();
    await enter([1, 2, 3]);
    await (await look(store)).remember();
    await client.query('delete from starlift.object where object_id > 1');
    await client.query(`update starlift.object set loaded_at = '2026-01-02T03:04:05.678901Z'`);
    expect((await look(store)).gap).toEqual({ missing: 2, wentBackTo: '2026-01-02T03:04:05.678901Z' });
    await client.query('truncate starlift.object');
    expect((await look(store)).gap).toEqual({ missing: 3, wentBackTo: null });
  });

  it('is not the entry of another object under the same id', async () => {
    const store = makeMemoryStore();
    await enter([1]);
    await (await look(store)).remember();
    await client.query(`update starlift.object set key = 'another'`);
    expect((await look(store)).gap).toMatchObject({ missing: 1 });
  });

  it('keeps the greatest generation, also where the ledger has lost it', async () => {
    const store = makeMemoryStore();
    const generation = () =>
      JSON.parse(Buffer.from(store.objects.get('state/loaded.json')?.body ?? []).toString()).generation;
    await enter([1], 4_000_000_000);
    await (await look(store)).remember();
    expect(generation()).toBe('4000000000');
    await client.query('truncate starlift.object');
    await (await look(store)).remember();
    await enter([2], 7);
    await (await look(store)).remember();
    expect(generation()).toBe('4000000000');
  });

  it('is left alone where somebody else has remembered more', async () => {
    const store = makeMemoryStore();
    await enter([1]);
    const slower = await look(store);
    await enter([2]);
    await (await look(store)).remember();
    await client.query('delete from starlift.object where object_id = 2');
    await slower.remember();
    expect((await look(store)).gap).toMatchObject({ missing: 1 });
  });

  it('that is not what Starlift writes is one error that says what to do', async () => {
    const store = makeMemoryStore();
    await store.put('state/loaded.json', Buffer.from('{"version":1}'));
    await expect(look(store)).rejects.toMatchObject({
      name: 'TerminalError',
      message: expect.stringMatching(/^state\/loaded\.json is not what Starlift writes\. Delete it/),
    });
  });
});

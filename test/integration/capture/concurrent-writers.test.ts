import { beforeEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';
import type { CaptureBench } from './capture-bench.ts';
import { benchInEachTest } from './each-bench.ts';
import { changedModel } from './shop-model.ts';

const items = 300;
const sliceBytes = 24 * 1024;

/** Numbers below a limit, the same for the same seed (Lehmer's generator). */
function makeRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state * 48_271) % 2_147_483_647;
    return state % limit;
  };
}

describe('several sessions that write during the runs', () => {
  let bench: CaptureBench;
  benchInEachTest(
    () => startTemporaryPostgres({ settings: { autovacuum_naptime: '1s', summarize_wal: 'on' } }),
    (made) => {
      bench = made;
    },
  );
  beforeEach(async () => {
    await bench.source.query(`
      insert into item select n, repeat('x', 200), 0 from generate_series(1, ${items}) n;
      insert into department select n, 'department ' || n from generate_series(1, 5) n;
      create index on item (last_updated);
      insert into staff select n, 'name ' || n, n % 5 + 1 from generate_series(1, 40) n`);
  });

  /** One transaction of a few statements: some under savepoints, some rolled back, some slow to commit. */
  async function writeOnce(client: pg.Client, random: (limit: number) => number): Promise<void> {
    const id = random(items) + 1;
    const statements = [
      `update item set price = price + 1 where item_id between ${id} and ${id + random(4)}`,
      `update item set price = price + 2, last_updated = now() where item_id = ${id}`,
      `update item set note = repeat('y', ${random(900)}) where item_id = ${id}`,
      `insert into item values (${1000 + random(100_000)}, 'new') on conflict do nothing`,
      `update department set department_name = 'd ${random(1000)}' where department_id = ${(id % 5) + 1}`,
      `update staff set department_id = ${random(5) + 1} where staff_id = ${(id % 40) + 1}`,
    ];
    await client.query('begin');
    for (let n = random(4); n >= 0; n--) {
      await client.query('savepoint s');
      await client.query(statements[random(statements.length)] ?? '');
      if (random(4) === 0) await client.query('rollback to s');
      if (random(3) === 0) await client.query('release s');
    }
    await client.query(random(6) === 0 ? 'rollback' : 'commit');
  }

  // A plan that looks at every table, and one that leaves out what no write was reported of.
  const everything = { sliceBytes, isExact: true };
  const byCounters = {
    sliceBytes,
    quiet: {
      maxAgeSeconds: 3600,
      alwaysBytes: -1,
      restFactor: 0.1,
      overlapSeconds: 60,
      summariesAgeSeconds: 0,
    },
  };

  // One that looks at each table once, and from then on asks the index alone.
  const byIndex = {
    sliceBytes,
    model: changedModel,
    quiet: {
      maxAgeSeconds: 3600,
      alwaysBytes: -1,
      restFactor: 1e9,
      overlapSeconds: 0,
      summariesAgeSeconds: 0,
    },
  };
  const allHints = { ...byIndex, quiet: { ...byIndex.quiet, restFactor: 0.1 } };

  it.each([
    [1, everything],
    [2, byCounters],
    [3, byCounters],
    [4, byIndex],
    [5, allHints],
  ])('lose nothing, whatever the order of the extracts (seed %i)', async (seed, options) => {
    const random = makeRandom(seed);
    let isWriting = true;
    const write = async (writer: number) => {
      const client = await bench.connect();
      // Sessions that wait for each other's rows may deadlock: the one that Postgres ends begins anew.
      for (const own = makeRandom(seed * 100 + writer); isWriting; ) {
        await writeOnce(client, own).catch(() => client.query('rollback'));
      }
    };
    const writers = [1, 2, 3, 4].map(write);
    for (let run = 0; run < 12; run++) {
      await bench.plan(options);
      bench.queue.sort(() => random(3) - 1);
      // Some slices wait for a later run's extracts.
      for (let n = bench.queue.length - random(8); n > 0; n--) {
        const message = bench.queue.shift();
        if (message !== undefined) await bench.extract(message);
      }
    }
    isWriting = false;
    await Promise.all(writers);
    await bench.plan(everything);
    bench.queue.sort(() => random(3) - 1);
    await bench.extractAll();
    await bench.expectExact('item', 'department', 'staff');
    expect((await bench.plan(everything)).slices).toEqual([]);
  });

  // A table is looked at in whole once, and from then on only in the blocks that the server's log names.
  it.each([6, 7])('lose nothing to looks that read single blocks (seed %i)', async (seed) => {
    const random = makeRandom(seed);
    const bySummaries = {
      sliceBytes,
      quiet: { ...byIndex.quiet, summariesAgeSeconds: 3600 },
    };
    const summarized = async () => {
      const { rows } = await bench.source.query<{ lsn: string }>(
        'select pg_current_wal_insert_lsn()::text as lsn',
      );
      await bench.source.query('checkpoint');
      await seen(async () => {
        const { rowCount } = await bench.source.query(
          `select from pg_available_wal_summaries() where end_lsn >= '${rows[0]?.lsn}'`,
        );
        return rowCount !== null && rowCount > 0;
      });
    };
    await bench.source.query('vacuum item');
    await summarized();
    const looks: string[] = [];
    const plan = async () => {
      const planned = await bench.plan(bySummaries);
      const { because } = planned.looks?.find(({ table }) => table === 'item') ?? {};
      looks.push(String(because));
      bench.queue.sort(() => random(3) - 1);
      await bench.extractAll();
    };
    await plan();
    let isWriting = true;
    const write = async (writer: number) => {
      const client = await bench.connect();
      for (const own = makeRandom(seed * 100 + writer); isWriting; ) {
        await writeOnce(client, own).catch(() => client.query('rollback'));
        await client.query('select pg_sleep(0.02)');
      }
    };
    const writers = [1, 2, 3].map(write);
    for (let run = 0; run < 8; run++) {
      if (run % 2 === 1) await summarized();
      await plan();
    }
    isWriting = false;
    await Promise.all(writers);
    await plan();
    await summarized();
    await plan();
    expect(looks).toContain('summarized');
    // Nothing has looked at the whole table since the first plan.
    expect(looks.slice(1).filter((why) => !['summarized', 'resting', 'quiet'].includes(why))).toEqual([]);
    expect(looks.at(-1)).toBe('summarized');
    await bench.expectExact('item');
  });
});

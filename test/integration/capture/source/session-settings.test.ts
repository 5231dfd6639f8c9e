import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type KeptDatabase, makeKeptDatabase } from '../../../helpers/postgres/left-settings.ts';
import { startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { benchInEachTest } from '../each-bench.ts';

describe('a connection that was lent to capture', () => {
  let bench: CaptureBench;
  let database: KeptDatabase;
  benchInEachTest(
    () => startTemporaryPostgres(),
    (made) => {
      bench = made;
    },
  );
  beforeEach(async () => {
    database = makeKeptDatabase(urlOf(bench));
    await bench.source.query(`insert into item select n, 'note' from generate_series(1, 100) n`);
  });
  afterEach(() => database.end());

  const urlOf = ({ source: { host, port, database: name } }: CaptureBench) =>
    `postgres://reader@${host}:${port}/${name}`;

  const expectNothingLeft = async (connections: number) => {
    const left = await database.leftBehind();
    expect(left.map(({ settings, held }) => ({ settings, held }))).toEqual(
      Array.from({ length: connections }, () => ({ settings: {}, held: [] })),
    );
  };

  it('keeps none of the settings of a plan', async () => {
    // On a busy machine a plan would take a second one.
    database = makeKeptDatabase(urlOf(bench), { maxConnections: 1 });
    await bench.plan({ database });
    await expectNothingLeft(1);
    await bench.source.query(`insert into item values (101, 'new')`);
    await bench.plan({ database });
    await expectNothingLeft(1);
  });

  it('keeps none where a plan works on two connections and a statement on a locked table fails', async () => {
    await bench.run();
    await bench.source.query(`insert into item values (101, 'new')`);
    const locker = await bench.connect();
    await locker.query('begin; lock table item in access exclusive mode');
    const { slices } = await bench.plan({ database });
    await locker.query('rollback');
    expect(slices).toEqual([{ slice: '0000', table: 'item', full: false }]);
    await expectNothingLeft(2);
  });

  it('keeps none of the settings of an extract', async () => {
    await bench.plan();
    await bench.extractAll({ database });
    await bench.expectExact('item');
    await expectNothingLeft(1);
  });

  it('keeps none of an extract that was planned on another server', async () => {
    await bench.plan();
    const [message] = bench.queue;
    if (message === undefined) throw new Error('no message');
    await bench.extract({ ...message, identity: 'another' }, { database }).catch(() => {});
    await expectNothingLeft(1);
  });

  it('keeps none of an extract that is refused, behind its plan, or without its table', async () => {
    await bench.plan();
    const [message] = bench.queue;
    if (message === undefined) throw new Error('no message');
    const ahead = { ...message, plannedXmax: String(BigInt(message.plannedXmax) + 1_000_000n) };
    await expect(bench.extract(ahead, { database })).rejects.toThrow('the source is behind the plan');
    await bench.source.query('drop table staff, department, item');
    await expect(bench.extract(message, { database })).rejects.toThrow('the source has no table');
    await expectNothingLeft(1);
  });

  it('goes on for longer than the transaction_timeout of its role', async () => {
    await bench.run();
    await bench.source.query(`insert into item values (101, 'new')`);
    await bench.source.query(`alter role reader set transaction_timeout = '500ms'`);
    const locker = await bench.connect();
    try {
      await locker.query('begin; lock table item in access exclusive mode');
      await bench.plan({ database });
      await locker.query('rollback');
      await bench.extractAll({
        database: {
          withClient: (work) =>
            database.withClient((client) => {
              const query = client.query.bind(client) as (...args: unknown[]) => unknown;
              // The server counts the time between two statements too.
              const late = (...args: unknown[]) =>
                String(args[0]).includes('pg_table_size')
                  ? delay(700).then(() => query(...args))
                  : query(...args);
              return work(Object.assign(Object.create(client), { query: late }));
            }),
        },
      });
    } finally {
      await bench.source.query('alter role reader reset transaction_timeout');
    }
    await bench.expectExact('item');
  });
});

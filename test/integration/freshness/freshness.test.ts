import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { putDropped } from '../../../shared/records/dropped.ts';
import { readWarehouseEvidence } from '../../../shared/records/warehouse-evidence.ts';
import { type Databases, makeDatabases } from '../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

interface Freshness {
  table: string;
  lagSeconds?: number;
  waiting?: number;
}

describe('how old the warehouse is', () => {
  let server: PostgresServer;
  let databases: Databases;
  let road: InlineRoad;
  let measure: () => Promise<Map<string, Freshness>>;
  let stdout: jest.SpiedFunction<typeof process.stdout.write>;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    databases = await makeDatabases(server);
    stdout = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    process.env.POWERTOOLS_METRICS_DISABLED = 'false';
    road = await startInlineRoad(databases);
    const { handler } = (await import('../../../services/loading/freshness/handler.ts')) as unknown as {
      handler(event: unknown, context: unknown): Promise<Freshness[]>;
    };
    measure = async () => new Map((await handler({}, {})).map((each) => [each.table, each]));
  });
  afterAll(async () => {
    await road.end();
    await databases.end();
    await server.stop();
    stdout.mockRestore();
  });

  const listKeys = async (prefix: string, run: string) => {
    const keys: string[] = [];
    for await (const { key } of road.processed.list(prefix)) if (key.includes(run)) keys.push(key);
    return keys;
  };
  const lagOf = async (table: string) => (await measure()).get(table)?.lagSeconds;
  const written = () =>
    stdout.mock.calls.map((call) => JSON.parse(String(call[0])) as Record<string, unknown>);

  it('is not known before the first plan', async () => {
    expect(await lagOf('fact_payment')).toBeUndefined();
  });

  it('counts from the first plan on until all of it is loaded, then from the last plan', async () => {
    await road.plan();
    const planned = Date.now();
    await road.settle('transform');
    const behind = await lagOf('fact_payment');
    expect(behind).toBeGreaterThan((Date.now() - planned) / 1000 - 1);
    await road.settle();
    const beforeNext = Date.now();
    await road.plan();
    expect(await lagOf('fact_payment')).toBeLessThanOrEqual((Date.now() - beforeNext) / 1000);
    expect([...(await measure()).values()].every(({ lagSeconds }) => lagSeconds !== undefined)).toBe(true);
  });

  it('grows for the table that is stuck, and for no other', async () => {
    await road.stop('load');
    await road.plan();
    const lastFresh = Date.now();
    await databases.source.query('update design set last_updated = now()');
    await road.plan();
    await road.settle('transform');
    await road.plan();
    const measuredAt = Date.now();
    const measured = await measure();
    expect(measured.get('dim_design')?.lagSeconds).toBeGreaterThan((measuredAt - lastFresh) / 1000);
    expect(measured.get('dim_staff')?.lagSeconds).toBeLessThan((Date.now() - lastFresh) / 1000);
    await road.settle();
    expect(await lagOf('dim_design')).toBeLessThan((Date.now() - lastFresh) / 1000);
  });

  it('is left in S3, with what the tables hold, for those who cannot reach the warehouse', async () => {
    await road.run();
    await databases.warehouse.query(
      'delete from fact_payment where payment_id = 1; select pg_stat_force_next_flush()',
    );
    const before = Date.now();
    await measure();
    const evidence = await readWarehouseEvidence(road.ingested);
    expect(Date.parse(evidence?.at ?? '')).toBeGreaterThanOrEqual(before);
    expect(evidence).toMatchObject({ gap: null, lock: null });
    for (const { table, rows, asOf } of evidence?.tables ?? []) {
      const counted = await databases.warehouse.query(`select count(*)::int as n from ${table}`);
      const [{ n }] = counted.rows as [{ n: number }];
      expect({ table, rows, isKnown: asOf !== null }).toEqual({
        table,
        rows: table === 'dim_date' ? expect.anything() : n,
        isKnown: true,
      });
    }
    const states = evidence?.tables.flatMap(({ table, count }) =>
      count?.state === 'different' ? [table] : [],
    );
    expect(states).toEqual(['fact_payment']);
    await databases.warehouse.query('truncate fact_payment');
  });

  it('is left in S3 with what was discarded, until its rows are in the warehouse', async () => {
    await road.run();
    await road.stop('load');
    await databases.source.query('update design set last_updated = now()');
    const { run } = await road.plan();
    await road.settle('transform');
    const [key] = await listKeys('dim_design/', run);
    const dropped = async () => {
      await measure();
      return (await readWarehouseEvidence(road.ingested))?.dropped;
    };
    expect(await dropped()).toEqual([]);
    const droppedAt = '2026-11-30T20:00:00.000Z';
    await putDropped(road.ingested, {
      queue: 'load',
      table: 'dim_design',
      key: key ?? '',
      reason: 'x',
      droppedAt,
    });
    expect(await dropped()).toEqual([{ table: 'design', objects: 1, droppedAt }]);
    await road.settle();
    expect(await dropped()).toEqual([]);
  });

  it('is known of all other tables while one is gone, and of that one that it is gone', async () => {
    await road.run();
    await measure();
    await databases.warehouse.query('alter table fact_purchase_order rename to kept');
    try {
      const measured = await measure();
      expect([...measured.values()].filter(({ lagSeconds }) => lagSeconds === undefined)).toEqual([]);
      const evidence = await readWarehouseEvidence(road.ingested);
      const states = evidence?.tables.flatMap(({ table, count }) =>
        count?.state === 'missing' ? table : [],
      );
      expect(states).toEqual(['fact_purchase_order']);
    } finally {
      await databases.warehouse.query('alter table kept rename to fact_purchase_order');
    }
  });

  it('is written with the waiting rows, for every table, and the greatest of all', async () => {
    stdout.mockClear();
    const measured = await measure();
    const lags = [...measured.values()].map(({ lagSeconds }) => lagSeconds ?? Number.NaN);
    expect(written()).toEqual([
      ...[...measured.values()].map(({ table, lagSeconds, waiting }) => ({
        _aws: expect.anything(),
        stage: expect.any(String),
        table,
        LagSeconds: lagSeconds,
        ...(waiting !== undefined && { RowsWaiting: waiting }),
      })),
      {
        _aws: expect.anything(),
        stage: expect.any(String),
        GreatestLagSeconds: Math.max(...lags),
        GreatestExactLagSeconds: Math.max(...lags),
      },
    ]);
    expect(measured.size).toBe(11);
  });

  it('rows are counted at each step, and not once more for a message that comes again', async () => {
    stdout.mockClear();
    await databases.source.query('update currency set last_updated = now()');
    await road.run();
    const { rows } = await databases.source.query('select count(*)::int as currencies from currency');
    const { currencies } = rows[0] as { currencies: number };
    const counted = written().map(({ _aws, stage, ...values }: Record<string, unknown>) => values);
    expect(counted).toEqual([
      { table: 'currency', RowsExtracted: currencies },
      { table: 'dim_currency', RowsTransformed: currencies },
      { table: 'dim_currency', RowsLoaded: currencies },
    ]);
  });
});

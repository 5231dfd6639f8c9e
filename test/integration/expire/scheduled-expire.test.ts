import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type Expiry, expireObjects } from '../../../services/loading/expire/expire-objects.ts';
import { beginRebuild } from '../../../shared/ledger/rebuild.ts';
import { type Model, nextNameOf } from '../../../shared/model/model.ts';
import { backfillKey } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { type Databases, makeDatabases } from '../../helpers/inline-road/databases.ts';
import { type InlineRoad, startInlineRoad } from '../../helpers/inline-road/inline-road.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

const dayMs = 86_400_000;

describe('the scheduled expiry', () => {
  let server: PostgresServer;
  let databases: Databases;
  let road: InlineRoad;
  let invoke: () => Promise<Expiry>;
  /** Warnings go to stderr, as Lambda's console has them. */
  let streams: jest.SpiedFunction<typeof process.stdout.write>[];

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    databases = await makeDatabases(server);
    streams = [process.stdout, process.stderr].map((stream) =>
      jest.spyOn(stream, 'write').mockReturnValue(true),
    );
    Object.assign(process.env, { POWERTOOLS_METRICS_DISABLED: 'false', POWERTOOLS_LOG_LEVEL: 'INFO' });
    const variables = { EXPIRE_AFTER_DAYS: '31,payment=400,gone_table=90' };
    road = await startInlineRoad({ ...databases, variables });
    const { handler } = (await import('../../../services/loading/expire/handler.ts')) as unknown as {
      handler(event: unknown, context: unknown): Promise<Expiry>;
    };
    invoke = () => handler({}, {});
  });
  // Another test may have deleted them.
  beforeEach(async () => {
    for (const table of ['staff', 'currency', 'payment_type', 'design', 'purchase_order'])
      await databases.source.query(`update ${table} set last_updated = now()`);
    await road.run();
  });
  afterEach(() => {
    jest.mocked(Date.now).mockRestore?.();
  });
  afterAll(async () => {
    await road?.end();
    await databases?.end();
    await server?.stop();
    for (const stream of streams) stream.mockRestore();
    Object.assign(process.env, { EXPIRE_AFTER_DAYS: '', POWERTOOLS_LOG_LEVEL: 'SILENT' });
  });

  const inDays = (days: number) => {
    const now = Date.now;
    jest.spyOn(Date, 'now').mockImplementation(() => now() + days * dayMs);
  };
  const keysOf = async (store: Pick<ObjectStore, 'list'>, prefix = '') => {
    const keys: string[] = [];
    for await (const { key } of store.list(prefix)) keys.push(key);
    return keys;
  };
  const everything = async () => [...(await keysOf(road.ingested)), ...(await keysOf(road.processed))];
  const logged = () =>
    streams.flatMap(({ mock }) =>
      mock.calls.map(([text]) => JSON.parse(String(text)) as Record<string, unknown>),
    );
  const messages = () => logged().flatMap(({ message }) => (message === undefined ? [] : [String(message)]));

  it('deletes nothing on the 31st day', async () => {
    const before = await everything();
    inDays(30.9);
    expect((await invoke()).tables.every(({ ingested, processed }) => ingested + processed === 0)).toBe(true);
    expect(await everything()).toEqual(before);
  });

  it.each(['rebuild', 'backfill'] as const)('deletes nothing during a %s, and says why', async (kind) => {
    if (kind === 'rebuild') await beginRebuild(databases.warehouse, 'public', ['dim_staff']);
    else await road.ingested.put(backfillKey, Buffer.from('{"version":1,"tables":["dim_staff"]}'));
    const before = await everything();
    try {
      inDays(100);
      for (const stream of streams) stream.mockClear();
      const { tables, need } = await invoke();
      expect({ tables, kind: need?.kind }).toEqual({ tables: [], kind });
      expect(messages().filter((text) => /^no more is deleted today: .* from S3/.test(text))).toHaveLength(1);
      expect(await everything()).toEqual(before);
    } finally {
      await databases.warehouse.query('update starlift.table set rebuild_started_at = null');
      await road.ingested.delete(backfillKey);
    }
  });

  it('deletes nothing while a migration is filled from S3', async () => {
    const { ingested, processed } = road;
    const next = totesys.tables.map((table) => ({ ...table, name: nextNameOf(table.name) }));
    const migrating = {
      ...totesys,
      source: totesys.source.bind(totesys),
      tables: [...totesys.tables, ...next],
    };
    const before = await everything();
    const deps = { ingested, processed, warehouse: databases.warehouse, warehouseSchema: 'public' };
    const tables = [{ table: 'staff', before: new Date(Date.now() + dayMs) }];
    const expiry = await expireObjects(
      { ...deps, readModel: async () => migrating as unknown as Model },
      { tables, dryRun: false },
    );
    expect(expiry).toEqual({ tables: [], need: { kind: 'migration' }, isComplete: false });
    expect(await everything()).toEqual(before);
  });

  it('keeps what a replay of an old run has put lately', async () => {
    const { ingested, processed } = road;
    const lately = async function* (prefix: string) {
      for await (const object of processed.list(prefix))
        yield { ...object, lastModified: new Date(Date.now() + 2 * dayMs) };
    };
    const deps = {
      readModel: async () => totesys,
      ingested,
      processed: { ...processed, list: lately },
      warehouse: databases.warehouse,
    };
    const tables = [{ table: 'purchase_order', before: new Date(Date.now() + dayMs) }];
    const put = await keysOf(processed, 'fact_purchase_order/');
    await expireObjects({ ...deps, warehouseSchema: 'public' }, { tables, dryRun: false });
    expect(await keysOf(processed, 'fact_purchase_order/')).toEqual(put);
    expect(await keysOf(ingested, 'purchase_order/')).toEqual([]);
  });

  it('goes on where the time was over, and has at no time an ingested object left whose processed one is gone', async () => {
    const { ingested, processed } = road;
    const client = databases.warehouse;
    const before = new Date(Date.now() + dayMs);
    const deps = { readModel: async () => totesys, ingested, processed, warehouse: client };
    const tables = ['staff', 'currency'].map((table) => ({ table, before }));
    const left = async (source: string, feed: string) => [
      (await keysOf(ingested, `${source}/`)).length,
      (await keysOf(processed, `${feed}/`)).length,
    ];
    const seen: number[][] = [];
    let times = 0;
    for (let isComplete = false; !isComplete && times < 20; times++) {
      let asked = 0;
      // The first invocation has time for the look at the first table, and one piece.
      const hasTime = () => ++asked <= 2 + times;
      ({ isComplete } = await expireObjects(
        { ...deps, warehouseSchema: 'public' },
        { tables, dryRun: false, hasTime },
      ));
      seen.push([...(await left('staff', 'dim_staff')), ...(await left('currency', 'dim_currency'))]);
    }
    expect(seen[0]?.map((count) => count > 0)).toEqual([false, true, true, true]);
    expect(seen.at(-1)).toEqual([0, 0, 0, 0]);
    for (const [staff = 0, dimStaff = 0, currency = 0, dimCurrency = 0] of seen) {
      expect([staff <= dimStaff, currency <= dimCurrency]).toEqual([true, true]);
    }
  });

  it('stops where a table begins to be filled from S3 in the middle of it', async () => {
    const { ingested, processed } = road;
    let asked = 0;
    const hasTime = () => {
      asked++;
      return true;
    };
    const head = async (key: string) => (key === backfillKey && asked > 2 ? ingested.head(key) : undefined);
    await ingested.put(backfillKey, Buffer.from('{"version":1,"tables":["dim_design"]}'));
    try {
      const deps = {
        readModel: async () => totesys,
        ingested: { ...ingested, head },
        ...{ processed, warehouse: databases.warehouse, warehouseSchema: 'public' },
      };
      const tables = [{ table: 'payment_type', before: new Date(Date.now() + dayMs) }];
      const { need, tables: expired } = await expireObjects(deps, { tables, dryRun: false, hasTime });
      expect(need).toEqual({ kind: 'backfill' });
      expect(expired).toMatchObject([{ table: 'payment_type', processed: 0 }]);
      expect(await keysOf(ingested, 'payment_type/')).toEqual([]);
      expect(await keysOf(processed, 'dim_payment_type/')).not.toEqual([]);
    } finally {
      await ingested.delete(backfillKey);
    }
  });

  it('deletes what is old and loaded, and keeps what is not loaded, bad, a census, or of a table with more days', async () => {
    await databases.source.query(
      `update sales_order set agreed_payment_date = 'soon' where sales_order_id = 1`,
    );
    await road.run();
    await road.stop('load');
    await databases.source.query('update design set last_updated = now()');
    const { run: late } = await road.plan();
    await road.settle('transform');
    const [design = ''] = (await keysOf(road.ingested, 'design/')).filter((key) => key.includes(late));
    const census = `.census/${design}`;
    await road.ingested.put(census, Buffer.from(''));
    const state = await keysOf(road.ingested, 'state/');
    const payments = await keysOf(road.processed, 'fact_payment/');

    inDays(100);
    for (const stream of streams) stream.mockClear();
    const { tables, need, isComplete } = await invoke();
    expect({ need, isComplete }).toEqual({ need: undefined, isComplete: true });
    const of = (table: string) => tables.find((each) => each.table === table);
    // The object and its processed one; the object of the bad row, and its file.
    expect(of('design')).toMatchObject({ kept: 2 });
    expect(of('sales_order')).toMatchObject({ kept: 2 });
    expect(await keysOf(road.ingested, 'design/')).toEqual([design]);
    expect(await keysOf(road.processed, 'dim_design/')).toHaveLength(1);
    expect(await keysOf(road.processed, 'quarantine/')).toHaveLength(1);
    expect(await keysOf(road.ingested, '.census/')).toContain(census);
    expect(await keysOf(road.ingested, 'state/')).toEqual(expect.arrayContaining(state));
    expect(await keysOf(road.processed, 'fact_payment/')).toEqual(payments);
    expect(await keysOf(road.processed, 'fact_purchase_order/')).toEqual([]);

    const lines = logged();
    const line = lines.find(({ table, kept }) => table === 'design' && kept === 2);
    expect(line).toMatchObject({ message: 'old objects were looked at', quarantined: 0 });
    expect(line?.deleted).toBeGreaterThanOrEqual(2);
    expect(lines.find(({ table, ObjectsExpired }) => table === 'design' && ObjectsExpired)).toMatchObject({
      ObjectsExpired: line?.deleted,
    });
    expect(lines.filter(({ level, table }) => level === 'WARN' && table === 'gone_table')).toHaveLength(1);
  });
});

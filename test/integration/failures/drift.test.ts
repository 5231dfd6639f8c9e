import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import { type Databases, makeDatabases } from '../../helpers/inline-road/databases.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { type RoadAtWork, startRoadAtWork } from './road-at-work.ts';

describe("the source's schema drifts", () => {
  let server: PostgresServer;
  let databases: Databases;
  let road: RoadAtWork;

  beforeAll(async () => {
    server = await startTemporaryPostgres();
    databases = await makeDatabases(server);
    road = await startRoadAtWork(databases);
    expect((await road.run()).ok).toBe(true);
  });
  afterAll(async () => {
    await road.stop();
    await databases.end();
    await server.stop();
  });

  const change = (sql: string) => databases.source.query(sql);
  const extracted = (report: Awaited<ReturnType<RoadAtWork['run']>>, table: string) =>
    report.tables.find((tally) => tally.table === table)?.extracted;
  const expectExact = async () => {
    const { source, warehouse } = databases;
    const { tables } = await verifyWarehouse({
      source,
      warehouse,
      warehouseSchema: 'public',
      model: totesys,
    });
    expect(tables.filter(({ missing, different }) => missing + different > 0)).toEqual([]);
  };

  it('a new column is ignored, with one warning in each run', async () => {
    await change(
      `alter table staff add nickname varchar; update staff set nickname = 'Sam', last_name = 'A'`,
    );
    for (const _ of [1, 2]) {
      const { ok, warnings } = await road.run();
      expect(ok).toBe(true);
      expect(warnings).toEqual(['public.staff has columns that the model does not use: nickname']);
    }
    await expectExact();
    await change('alter table staff drop nickname');
    expect((await road.run()).warnings).toEqual([]);
  });

  it.each([
    [
      'is dropped',
      'alter table design drop file_name',
      'alter table design add file_name varchar; update design set file_name = design_id::text',
      /public\.design has no column file_name/,
    ],
    [
      'changes to a type that does not fit',
      'alter table design alter file_name type jsonb using to_jsonb(file_name)',
      'alter table design alter file_name type varchar',
      /public\.design\.file_name is of type jsonb, which does not fit the model's varchar/,
    ],
    [
      'can no longer be read',
      'revoke select on design from reader',
      'grant select on design to reader',
      /permission denied for table public\.design/,
    ],
    [
      'no longer has a unique key',
      `alter table design drop constraint design_pkey cascade;
       insert into design (design_id, design_name, file_location, file_name)
       select design_id, 'double', file_location, file_name
         from design order by design_id limit 1`,
      `delete from design where design_name = 'double'; create unique index on "public"."design" ("design_id")`,
      /public\.design must have a valid unique index on design_id .* Run in the source: create unique index on "public"\."design" \("design_id"\)$/,
    ],
    [
      'is swapped for a view',
      'alter table design rename to designs; create view design as select * from designs',
      'drop view design; alter table designs rename to design',
      /public\.design is a view/,
    ],
  ])(
    'a column or table that %s fails its table alone, with one dead letter, until it is mended',
    async (_, spoil, mend, why) => {
      await change(spoil);
      await change('update staff set last_name = last_name || 1');
      const failed = await road.run();
      expect(failed.ok).toBe(false);
      expect(failed.deadLetters).toEqual([
        expect.objectContaining({ queue: 'extract', table: 'design', reason: expect.stringMatching(why) }),
      ]);
      expect(extracted(failed, 'dim_staff')).toBe(3);
      // It is said in every run, and dead-lettered in the first.
      const again = await road.run();
      expect(again.ok).toBe(false);
      expect(again.deadLetters).toHaveLength(1);
      await change(mend);
      expect(extracted(await road.run(), 'dim_design')).toBe(3);
      await expectExact();
      expect(road.events('Table Failed').at(-1)).toMatchObject({
        stage: 'embedded',
        queue: 'extract',
        table: 'design',
      });
      await road.redrive();
      expect(await road.settle()).toEqual([]);
      expect(road.events('Table Recovered').at(-1)).toMatchObject({
        stage: 'embedded',
        queue: 'extract',
        table: 'design',
      });
    },
  );

  it('a column that becomes wider is still loaded', async () => {
    await change(`
      alter table payment alter payment_date type text;
      alter table payment alter payment_amount type numeric(14,2);
      alter table sales_order alter units_sold type bigint;
      update payment set payment_amount = payment_amount + 0.01, last_updated = now();
      update sales_order set units_sold = 2147483647, last_updated = now()`);
    expect(await road.run()).toMatchObject({ ok: true, deadLetters: [] });
    await expectExact();
  });

  it('a value that fits the wider column but not the warehouse is quarantined, and the other rows land', async () => {
    await change(`alter table sales_order alter units_sold type bigint;
      update sales_order set last_updated = now();
      update sales_order set units_sold = 2147483648 where sales_order_id = 2`);
    const report = await road.run();
    expect(report.tables.find(({ table }) => table === 'fact_sales_order')).toMatchObject({
      extracted: 5,
      loaded: 4,
      quarantined: 1,
      failed: 0,
    });
    expect(road.events('Rows Quarantined').at(-1)).toMatchObject({ table: 'fact_sales_order', rows: 1 });
    await change('update sales_order set units_sold = 1, last_updated = now() where sales_order_id = 2');
    expect(await road.run()).toMatchObject({ ok: true });
    await expectExact();
  });
});

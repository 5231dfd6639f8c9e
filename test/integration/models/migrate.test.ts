import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { checkTables } from '../../../shared/ledger/table-counts.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { during, MigratedRoad } from './migrated-road.ts';
import { byId, byRef, salesTables } from './sales-model.ts';

const captured =
  'select sale_id, ref, shop_id, cents, changed::text from fact_sale order by sale_id, changed';

let server: PostgresServer;
beforeAll(async () => {
  server = await startTemporaryPostgres();
});
afterAll(async () => {
  await server?.stop();
});

describe('the key of a fact that changes while writers, plans and readers are at work', () => {
  let road: MigratedRoad;
  let before: (string | null)[][];
  let numbers: (string | null)[][];
  const seen: { rows: number; newest: string }[] = [];

  beforeAll(async () => {
    road = await MigratedRoad.start(server, 'busy', { definition: byId, tables: salesTables });
    await road.road.run();
    await road.source.query(`update sale set cents = cents + 1000, changed = changed + interval '1 day'`);
    await road.road.run();
    before = await road.ask(road.warehouse, captured);
    numbers = await road.ask(
      road.warehouse,
      'select sale_id, changed::text, sale_record from fact_sale order by 1, 2',
    );
    await road.warehouse.query(`
      create role analyst;
      grant select on fact_sale to analyst;
      create view sales_by_shop as select shop_id, sum(cents) as cents from fact_sale group by shop_id;
      create index by_cents on fact_sale (cents);
      alter table fact_sale add column note text;
      update fact_sale set note = 'mine' where sale_id = 1`);
    const reader = new pg.Client(road.warehouseUrl);
    const writer = new pg.Client(road.sourceUrl);
    await Promise.all([reader.connect(), writer.connect()]);
    let change = 0;
    const write = async () => {
      change += 1;
      await writer.query(
        `update sale set cents = ${change}, changed = '2026-03-01'::timestamp + ${change} * interval '1 s'
          where sale_id = ${1 + (change % 200)};
         insert into sale values (${1000 + change}, 'R${1000 + change}', 1, 'S1', 7, '2026-02-01 00:00:00')`,
      );
    };
    const read = async () => {
      const [row] = await road.ask(
        reader as pg.Client,
        'select count(*)::int, max(changed)::text from fact_sale f join dim_shop using (shop_id)',
      );
      seen.push({ rows: Number(row?.[0]), newest: String(row?.[1]) });
    };
    await during(read, () =>
      during(write, () =>
        during(
          async () => {
            await road.road.plan();
          },
          () => road.migrate(byRef, { plan: async () => {} }),
          100,
        ),
      ),
    );
    await Promise.all([reader.end(), writer.end()]);
    await road.road.run();
  });
  afterAll(async () => {
    await road?.end();
  });

  it('ends with exactly what the source has, and every version that was captured', async () => {
    const newest = await road.ask(
      road.warehouse,
      `select distinct on (sale_id) sale_id, ref, shop_id, cents, changed::text from fact_sale order by sale_id, changed desc`,
    );
    expect(newest).toEqual(
      await road.ask(road.source, 'select sale_id, ref, shop_id, cents, changed::text from sale order by 1'),
    );
    const all = new Set((await road.ask(road.warehouse, captured)).map((row) => row.join()));
    expect(before.filter((row) => !all.has(row.join()))).toEqual([]);
  });

  it('shows no reader fewer rows, or older ones, than it has seen', () => {
    expect(seen.length).toBeGreaterThan(20);
    const back = seen.filter(({ rows, newest }, index) => {
      const last = seen[index - 1];
      return last !== undefined && (rows < last.rows || newest < last.newest);
    });
    expect(back).toEqual([]);
  });

  it('has the new key', async () => {
    const keys = await road.ask(
      road.warehouse,
      `select conname, pg_get_constraintdef(oid) from pg_constraint where conrelid = 'fact_sale'::regclass and contype in ('p', 'u', 'f') order by 1`,
    );
    expect(keys).toEqual([
      ['fact_sale_pkey', 'PRIMARY KEY (sale_record)'],
      ['fact_sale_ref_changed_key', 'UNIQUE (ref, changed)'],
      ['fact_sale_shop_id_fkey', 'FOREIGN KEY (shop_id) REFERENCES dim_shop(shop_id) NOT ENFORCED'],
    ]);
  });

  it('keeps the numbers of the rows, and draws others from the same sequence', async () => {
    const now = new Map(
      (await road.ask(road.warehouse, 'select sale_id, changed::text, sale_record from fact_sale')).map(
        ([id, changed, record]) => [`${id} ${changed}`, record],
      ),
    );
    expect(numbers.map(([id, changed]) => now.get(`${id} ${changed}`))).toEqual(
      numbers.map(([, , record]) => record),
    );
    expect(
      await road.ask(road.warehouse, `select pg_get_serial_sequence('fact_sale', 'sale_record')`),
    ).toEqual([['public.fact_sale_sale_record_seq']]);
  });

  it('keeps what others have made: rights, a view, an index, a column', async () => {
    const { warehouse } = road;
    expect(
      await road.ask(warehouse, `select has_table_privilege('analyst', 'fact_sale', 'select')::text`),
    ).toEqual([['true']]);
    expect(await road.ask(warehouse, 'select count(*) from sales_by_shop')).toEqual([['5']]);
    expect(await road.ask(warehouse, `select to_regclass('by_cents')::text`)).toEqual([['by_cents']]);
    expect(
      await road.ask(warehouse, `select distinct sale_id, note from fact_sale where note is not null`),
    ).toEqual([['1', 'mine']]);
  });

  it('leaves no dead letter, no table of its own, and counts that are right', async () => {
    expect(await road.road.deadLetters()).toEqual([]);
    const left = `select relname from pg_class where relname like '%\\_\\_next%'`;
    expect(await road.ask(road.warehouse, left)).toEqual([]);
    const counts = await checkTables(
      road.warehouse,
      { model: assembleModel(byRef), schema: 'public' },
      { mayNote: false },
    );
    expect(counts.map(({ table, state }) => [table, state])).toEqual([
      ['dim_shop', 'equal'],
      ['fact_sale', 'equal'],
    ]);
  });

  it('is done: another call changes nothing', async () => {
    const { rows } = await road.warehouse.query('select model_number from starlift.binding');
    await road.migrate(byRef);
    expect((await road.warehouse.query('select model_number from starlift.binding')).rows).toEqual(rows);
  });
});

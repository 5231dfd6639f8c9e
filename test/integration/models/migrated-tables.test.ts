import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { planMigration } from '../../../cli/migrate/plan.ts';
import { listDrops } from '../../../cli/migrate/prune.ts';
import { publishProject } from '../../../cli/project/publish-project.ts';
import { checkTables } from '../../../shared/ledger/table-counts.ts';
import {
  bigint,
  defineDimension,
  defineFact,
  int,
  type ModelDefinition,
  textOf,
  varchar,
} from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { readDefinitionInForce } from '../../../shared/records/published-model.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { seen } from '../../helpers/seen.ts';
import { makeCrashingSite } from './crashing-site.ts';
import { MigratedRoad } from './migrated-road.ts';
import { byId, byRef, sale, saleByRef, salesTables, shop, withTables } from './sales-model.ts';

let server: PostgresServer;
let road: MigratedRoad;
let count = 0;
/** Each describe has databases of its own, with a model in force and two versions of every sale. */
async function start(definition: ModelDefinition = byId): Promise<void> {
  count += 1;
  road = await MigratedRoad.start(server, `tables_${count}`, { definition, tables: salesTables });
  await road.road.run();
  await road.source.query(`update sale set cents = cents + 1000, changed = changed + interval '1 day'`);
  await road.road.run();
}
const source = (sql: string) => road.ask(road.source, sql);
const warehouse = (sql: string) => road.ask(road.warehouse, sql);

/** What nothing in the table itself shows. */
async function assertWell(model: ModelDefinition): Promise<void> {
  expect(await road.road.deadLetters()).toEqual([]);
  const options = { model: assembleModel(model), schema: 'public' };
  const counts = await checkTables(road.warehouse, options, { mayNote: false });
  expect(counts.filter(({ state }) => state !== 'equal')).toEqual([]);
}

beforeAll(async () => {
  server = await startTemporaryPostgres();
});
afterAll(async () => {
  await server?.stop();
});

describe('names and wider types', () => {
  const { cents: _, ref: __, ...columns } = sale.columns;
  const renamed = defineFact({
    ...sale,
    name: 'fact_trade',
    was: 'fact_sale',
    columns: {
      ...columns,
      reference: { ...varchar('ref'), was: 'ref' },
      cents: bigint('cents'),
    },
  });
  const model = withTables(
    { ...shop, name: 'dim_branch', was: 'dim_shop' },
    {
      ...renamed,
      columns: { ...renamed.columns, shop_id: int('shop_id', { references: 'dim_branch' }) },
    },
  );
  let before: (string | null)[][];
  beforeAll(async () => {
    await start();
    before = await warehouse(
      'select sale_record, sale_id, ref, cents, changed::text from fact_sale order by 1',
    );
    // Objects of the old names are on their way to the warehouse.
    await road.road.stop('load');
    await road.source.query(`update sale set cents = 7, changed = changed + interval '1 day' where sale_id < 10;
                             update shop set town = 'Elsewhere' where shop_id = 3`);
    await road.road.plan();
    await road.road.settle('transform');
    await road.migrate(model);
    await road.road.run();
  });
  afterAll(() => road?.end());

  it('are changed in place: the same rows under the same numbers', async () => {
    const now = await warehouse(
      'select sale_record, sale_id, reference, cents, changed::text from fact_trade order by 1',
    );
    const rows = new Set(now.map((row) => row.join()));
    expect(before.filter((row) => !rows.has(row.join()))).toEqual([]);
    expect(before).toHaveLength(400);
    expect(
      await warehouse(`select format_type(atttypid, atttypmod) from pg_attribute
                             where attrelid = 'fact_trade'::regclass and attname = 'cents'`),
    ).toEqual([['bigint']]);
    expect(await warehouse(`select to_regclass('fact_sale'), to_regclass('dim_shop')`)).toEqual([
      [null, null],
    ]);
  });

  it('loses nothing of what was on its way', async () => {
    const newest = `select distinct on (sale_id) sale_id, reference, cents, changed::text
                      from fact_trade order by sale_id, changed desc`;
    expect(await warehouse(newest)).toEqual(
      await source('select sale_id, ref, cents, changed::text from sale order by 1'),
    );
    expect(
      await warehouse('select * from (select shop_id, code, town from dim_branch) d order by 1'),
    ).toEqual(await source('select * from shop order by 1'));
    await assertWell(model);
  });
});

describe('another key of a dimension', () => {
  const model = withTables(
    { ...shop, key: ['code'], source: { ...shop.source, key: ['code'] } },
    {
      ...sale,
      columns: {
        ...sale.columns,
        shop_id: int('shop_id'),
        shop_code: varchar('shop_code', { references: 'dim_shop' }),
      },
    },
  );
  let numbers: (string | null)[][];
  beforeAll(async () => {
    await start();
    numbers = await warehouse('select sale_record, sale_id, changed::text from fact_sale order by 1');
    await road.warehouse.query(
      'create view sales as select f.*, town from fact_sale f join dim_shop using (shop_id)',
    );
    await road.migrate(model);
    await road.road.run();
  });
  afterAll(() => road?.end());

  it('takes the facts along that reference it', async () => {
    expect(
      await warehouse(
        `select pg_get_constraintdef(oid) from pg_constraint where contype = 'f' and conrelid = 'fact_sale'::regclass`,
      ),
    ).toEqual([['FOREIGN KEY (shop_code) REFERENCES dim_shop(code) NOT ENFORCED']]);
    expect(await warehouse('select count(*) from fact_sale join dim_shop on code = shop_code')).toEqual([
      ['400'],
    ]);
    expect(await warehouse('select sale_record, sale_id, changed::text from fact_sale order by 1')).toEqual(
      numbers,
    );
    expect(await warehouse('select count(*) from sales')).toEqual([['400']]);
    await assertWell(model);
  });
});

describe('other versions, another kind, another type', () => {
  const latest = defineFact({ ...sale, versions: [] });
  const { sale_record: ___, ...rest } = { ...sale.columns, sale_record: undefined };
  const copy = defineDimension({ name: 'fact_sale', source: sale.source, key: ['sale_id'], columns: rest });
  const texts = defineFact({ ...sale, columns: { ...sale.columns, cents: textOf('cents') } });
  beforeAll(async () => {
    await start();
  });
  afterAll(() => road?.end());

  it('leave of a fact the latest state, and bring back every version', async () => {
    await road.migrate(withTables(shop, latest));
    const now = 'select sale_id, ref, shop_id, cents, changed::text from fact_sale order by 1';
    expect(await warehouse(now)).toEqual(await source(now.replace('fact_sale', 'sale')));
    await assertWell(withTables(shop, latest));
    await road.migrate(byId);
    expect(await warehouse('select count(*) from fact_sale')).toEqual([['400']]);
    await assertWell(byId);
  });

  it('make a copy of a fact, and a fact of a copy', async () => {
    await road.migrate(withTables(shop, copy));
    expect(
      await warehouse(`select count(*), to_regclass('starlift.parked_fact_sale') from fact_sale`),
    ).toEqual([['200', null]]);
    await assertWell(withTables(shop, copy));
    await road.migrate(byId);
    expect(
      await warehouse(`select count(*), to_regclass('starlift.parked_fact_sale')::text from fact_sale`),
    ).toEqual([['400', 'starlift.parked_fact_sale']]);
    await assertWell(byId);
  });

  it('make a column anew of what S3 has', async () => {
    await road.migrate(withTables(shop, texts));
    expect(await warehouse('select sum(cents::int), pg_typeof(min(cents))::text from fact_sale')).toEqual([
      [String(2 * ((200 * 201) / 2) + 200 * 1000), 'text'],
    ]);
    await assertWell(withTables(shop, texts));
  });

  it('leave a column that has left the model, which --prune drops', async () => {
    const { ref: _, ...without } = sale.columns;
    const model = withTables(shop, { ...texts, columns: { ...without, cents: textOf('cents') } });
    await road.migrate(model);
    expect(await warehouse('select count(ref) from fact_sale')).toEqual([['400']]);
    const inForce = await readDefinitionInForce(road.road.ingested);
    const drops = await listDrops(road.warehouse, road.road.ingested, {
      schema: 'public',
      inForce: inForce as ModelDefinition,
    });
    expect(drops).toEqual(['alter table "public"."fact_sale" drop column "ref";']);
  });
});

describe('what is in the way', () => {
  beforeAll(async () => {
    await start();
  });
  afterAll(() => road?.end());

  it('is named with what to type before anything begins', async () => {
    await road.warehouse.query('create materialized view totals as select sum(cents) from fact_sale');
    await expect(road.migrate(byRef)).rejects.toThrow(
      /nothing was changed.*\n {4}the materialized view public.totals. To go on without it:\n {8}drop materialized view public.totals/,
    );
    expect(await readDefinitionInForce(road.road.ingested)).toEqual(byId);
    await road.warehouse.query('drop materialized view totals');
  });

  it('is a column of others that cannot be taken along', async () => {
    await road.warehouse.query('alter table fact_sale add column note text');
    const other = defineFact({
      ...saleByRef,
      columns: Object.fromEntries(Object.entries(sale.columns).filter(([name]) => name !== 'sale_id')),
    });
    await expect(road.migrate(withTables(shop, other))).rejects.toThrow(
      /alter table "public"."fact_sale" drop column "note"/,
    );
    await road.warehouse.query('alter table fact_sale drop column note');
  });

  it('is a view on a column whose type gets wider', async () => {
    await road.warehouse.query('create view totals as select sum(cents) from fact_sale');
    const wider = withTables(shop, { ...sale, columns: { ...sale.columns, cents: bigint('cents') } });
    await expect(road.migrate(wider)).rejects.toThrow(
      /the view public.totals. To go on without it:\n {8}drop view public.totals/,
    );
    await road.warehouse.query('drop view totals');
  });

  it('is a transaction that began before the new table was filled: it sees the table whole', async () => {
    const reader = new pg.Client(road.warehouseUrl);
    await reader.connect();
    await reader.query('begin isolation level repeatable read; select 1');
    await reader.query('select count(*) from dim_shop');
    let isDone = false;
    const migrated = road.migrate(byRef).then(() => {
      isDone = true;
    });
    await seen(() => road.said.some((line) => line.includes('may read the tables')), 60);
    await delay(300);
    expect(isDone).toBe(false);
    expect(await road.ask(reader, 'select count(*) from fact_sale')).toEqual([['400']]);
    await reader.query('commit');
    await reader.end();
    await migrated;
    await assertWell(byRef);
  });
});

describe('a migration that is given up', () => {
  beforeAll(async () => {
    await start();
  });
  afterAll(() => road?.end());

  it('leaves the tables as they were when the project is put back', async () => {
    const { site } = makeCrashingSite(road.site(), 70);
    await expect(road.migrate(byRef, site)).rejects.toThrow('killed');
    expect((await readDefinitionInForce(road.road.ingested))?.migration).toBeDefined();
    await publishProject(road.road.ingested, { definition: byId, folder: '/project' });
    await road.road.run();
    expect(await warehouse('select count(*) from fact_sale')).toEqual([['400']]);
    await assertWell(byId);
  });

  it('is begun anew for another model', async () => {
    const { site } = makeCrashingSite(road.site(), 70);
    await expect(road.migrate(byRef, site)).rejects.toThrow('killed');
    const latest = withTables(shop, defineFact({ ...sale, versions: [] }));
    await road.migrate(latest);
    await road.road.run();
    expect(await warehouse('select count(*) from fact_sale')).toEqual([['200']]);
    await assertWell(latest);
    expect(await warehouse(`select relname from pg_class where relname like '%\\_\\_next%'`)).toEqual([]);
  });
});

describe('the plan', () => {
  beforeAll(async () => {
    await start();
  });
  afterAll(() => road?.end());

  it('says for each step what it does to how many rows', async () => {
    const joined = {
      path: 'shop',
      table: 'shop',
      match: { shop_id: 'shop_id' },
      columns: { town: 'varchar' },
    } as const;
    const next = withTables(
      { ...shop, columns: { ...shop.columns, shop_id: bigint('shop_id') } },
      {
        ...sale,
        source: { ...sale.source, joins: [joined] },
        columns: {
          ...sale.columns,
          shop_id: bigint('shop_id', { references: 'dim_shop' }),
          town: varchar('shop.town', { nullable: true }),
        },
      },
    );
    const { client, ingested, schema } = {
      client: road.warehouse,
      ingested: road.road.ingested,
      schema: 'public',
    };
    const plan = await planMigration({ client, ingested, schema }, byId, next);
    expect(plan.steps.map(({ table, what, rows, notes }) => [table, what, rows, notes])).toEqual([
      ['dim_shop', 'widen type', 5, []],
      ['fact_sale', 'widen type', 400, []],
      [
        'fact_sale',
        'add column',
        400,
        [expect.stringMatching(/^200 rows of older versions stay null in town/)],
      ],
    ]);
    const anew = await planMigration({ client, ingested, schema }, byId, byRef);
    expect(anew.steps.map(({ text }) => text)).toEqual([
      'filled anew from 2 objects, then takes the place of the one with 400 rows',
    ]);
    await road.migrate(next);
    await road.road.run();
    expect(await warehouse('select count(town), count(*) from fact_sale')).toEqual([['200', '400']]);
  });
});

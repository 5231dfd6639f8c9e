import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { DimensionDefinition } from '../../../shared/model/define.ts';
import { versionsOf } from '../../../shared/model/history.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { MigratedRoad } from './migrated-road.ts';
import { salesTables, shop, withTables } from './sales-model.ts';

let server: PostgresServer;
let road: MigratedRoad;
beforeAll(async () => {
  server = await startTemporaryPostgres();
  road = await MigratedRoad.start(server, 'history', {
    definition: withHistory(shop),
    tables: salesTables,
  });
  await road.road.run();
  await road.source.query(`update shop set town = 'Elsewhere' where shop_id = 1`);
  await road.road.run();
});
afterAll(async () => {
  await road?.end();
  await server?.stop();
});

const withHistory = (dimension: DimensionDefinition) => withTables(dimension, versionsOf(dimension));

const historyOf = (view: string) =>
  road.ask(
    road.warehouse,
    `select town, _valid_to is null,
            _valid_from is not distinct from coalesce(lag(_valid_to) over (order by _valid_from), _valid_from)
       from ${view} where code = 'S1' order by _valid_from`,
  );
const whole = [
  ['Town 1', 'f', 't'],
  ['Elsewhere', 't', 't'],
];

describe('a history', () => {
  it('goes by the new name of its dimension, and so does its view', async () => {
    expect(await historyOf('dim_shop_history')).toEqual(whole);
    await road.migrate(withHistory({ ...shop, name: 'dim_store', was: 'dim_shop' }));
    await road.road.run();
    expect(await historyOf('dim_store_history')).toEqual(whole);
    expect(
      await road.ask(
        road.warehouse,
        `select relname from pg_class where relname like 'dim_%' and relkind in ('r', 'v') order by 1`,
      ),
    ).toEqual([['dim_store'], ['dim_store__versions'], ['dim_store_current'], ['dim_store_history']]);
  });

  it('is filled anew under the new key of its dimension, with what others have made of it', async () => {
    await road.warehouse.query(`alter table dim_store__versions add column note text;
      update dim_store__versions set note = 'mine' where town = 'Town 1'`);
    const store = { ...shop, name: 'dim_store' };
    await road.migrate(withHistory({ ...store, key: ['code'], source: { ...shop.source, key: ['code'] } }));
    await road.road.run();
    expect(await historyOf('dim_store_history')).toEqual(whole);
    expect(
      await road.ask(road.warehouse, `select town, note from dim_store__versions where note is not null`),
    ).toEqual([['Town 1', 'mine']]);
    const keys = await road.ask(
      road.warehouse,
      `select conname, pg_get_constraintdef(oid) from pg_constraint
        where conrelid = 'dim_store__versions'::regclass and contype = 'p'`,
    );
    expect(keys).toEqual([['dim_store__versions_pkey', 'PRIMARY KEY (code, _version)']]);
    await road.source.query(`update shop set town = 'Back' where code = 'S1'`);
    await road.road.run();
    expect((await historyOf('dim_store_history')).map(([town]) => town)).toEqual([
      'Town 1',
      'Elsewhere',
      'Back',
    ]);
    expect(await road.road.deadLetters()).toEqual([]);
  });
});

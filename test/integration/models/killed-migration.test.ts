import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { checkTables } from '../../../shared/ledger/table-counts.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { Killed, makeCrashingSite } from './crashing-site.ts';
import { MigratedRoad } from './migrated-road.ts';
import { byId, byRef, salesTables } from './sales-model.ts';

// Each point is two migrations.
jest.setTimeout(1_800_000);

/** All of them take minutes: `CRASH_STRIDE=1`. */
const stride = Number(process.env.CRASH_STRIDE || 23);

const newest = `select distinct on (sale_id) sale_id, ref, shop_id, cents, changed::text
                  from fact_sale order by sale_id, changed desc`;
const current = 'select sale_id, ref, shop_id, cents, changed::text from sale order by 1';
const versions = 'select sale_id, changed::text, cents, sale_record from fact_sale order by 1, 2';

describe('a migration that is killed at any of its steps', () => {
  let server: PostgresServer;
  let road: MigratedRoad;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    road = await MigratedRoad.start(server, 'killed', { definition: byId, tables: salesTables });
    await road.road.run();
  });
  afterAll(async () => {
    await road?.end();
    await server?.stop();
  });

  it('is finished by the next one, exactly', async () => {
    let [model, other] = [byRef, byId];
    let steps = Number.POSITIVE_INFINITY;
    let [points, change] = [0, 0];
    for (let point = 1; point < steps; point += stride) {
      change += 1;
      await road.source.query(
        `update sale set cents = cents + 1, changed = changed + interval '1 s' where sale_id % 7 = ${change % 7}`,
      );
      await road.road.run();
      const before = await road.ask(road.warehouse, versions);
      const crashing = makeCrashingSite(road.site(), point);
      const died = await road.migrate(model, crashing.site).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (died === undefined) steps = 0;
      else expect([point, String(died)]).toEqual([point, String(new Killed(`killed at step ${point}`))]);
      points += 1;
      await road.migrate(model);
      await road.road.run();
      const where = `killed at step ${point}`;
      expect({ where, rows: await road.ask(road.warehouse, newest) }).toEqual({
        where,
        rows: await road.ask(road.source, current),
      });
      // Every version, each with the number that readers know.
      expect({ where, rows: await road.ask(road.warehouse, versions) }).toEqual({ where, rows: before });
      expect({ where, letters: await road.road.deadLetters() }).toEqual({ where, letters: [] });
      const options = { model: assembleModel(model), schema: 'public' };
      const counts = await checkTables(road.warehouse, options, { mayNote: true });
      expect({ where, states: counts.map(({ state }) => state) }).toEqual({
        where,
        states: ['equal', 'equal'],
      });
      const left = `select relname from pg_class where relname like '%\\_\\_next%' and relkind in ('r', 'S')`;
      expect({ where, left: await road.ask(road.warehouse, left) }).toEqual({ where, left: [] });
      [model, other] = [other, model];
    }
    expect(points).toBeGreaterThan(8);
  });
});

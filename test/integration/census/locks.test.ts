import { describe, expect, it } from '@jest/globals';
import { tableLock, warehouseLocks } from '../../../shared/ledger/schema/ledger-schema.ts';
import { warehouseInEachTest } from '../../helpers/small-warehouse/each-warehouse.ts';
import { smallModel } from '../../helpers/small-warehouse/small-model.ts';
import { red, sale } from '../../helpers/small-warehouse/small-rows.ts';
import { untilLoadsWait } from '../../helpers/small-warehouse/until-loads-wait.ts';
import type { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';

describe('the lock of a table', () => {
  let warehouse: WarehouseUnderTest;
  warehouseInEachTest(smallModel, (made) => {
    warehouse = made;
  });

  /** What the load has done by the time that it waits for the lock of the table, which somebody else holds. */
  const whileHeld = async (table: string, as: 'shared' | 'exclusive', load: () => Promise<unknown>) => {
    const lock = as === 'shared' ? 'pg_advisory_lock_shared' : 'pg_advisory_lock';
    const unlock = as === 'shared' ? 'pg_advisory_unlock_shared' : 'pg_advisory_unlock';
    return warehouse.database.withClient(async (holder) => {
      await holder.query(`select ${lock}(${tableLock(table).join(', ')})`);
      const loading = load();
      try {
        await untilLoadsWait(warehouse, 1, 'advisory');
        return await warehouse.ask(
          `select a.backend_xid is not null as wrote,
                  exists (select from pg_locks l where l.pid = a.pid and l.locktype = 'advisory' and l.granted
                           and l.objid = ${warehouseLocks.dimensions[1]}) as "holdsDimensions"
             from pg_stat_activity a
            where a.datname = current_database() and a.wait_event_type = 'Lock' and a.wait_event = 'advisory'`,
        );
      } finally {
        await holder.query(`select ${unlock}(${tableLock(table).join(', ')})`);
        await loading;
      }
    });
  };
  const nothing = [{ wrote: 'f', holdsDimensions: 'f' }];
  const census = { seconds: 0, previous: 'a run' };

  it('is taken by a load before it looks at the ledger, and before the lock of the dimensions', async () => {
    const waits = sale({ shape_id: null });
    expect(
      await whileHeld('fact_sale', 'exclusive', () => warehouse.putAndLoad('fact_sale', { rows: [waits] })),
    ).toEqual(nothing);
    // It writes to the fact that waits for it.
    expect(
      await whileHeld('fact_sale', 'exclusive', () => warehouse.putAndLoad('dim_colour', { rows: [red] })),
    ).toEqual(nothing);
    expect(await warehouse.ask('select sale_id from fact_sale')).toEqual([{ sale_id: '1' }]);
  });

  it('is taken by a census before it looks at the ledger, and excludes loads', async () => {
    const key = await warehouse.put('dim_colour', { rows: [], xmax: 200, census });
    expect(await whileHeld('dim_colour', 'shared', () => warehouse.load(key))).toEqual(nothing);
  });

  it('is shared by loads', async () => {
    await warehouse.database.withClient(async (holder) => {
      await holder.query(`select pg_advisory_lock_shared(${tableLock('dim_colour').join(', ')})`);
      await warehouse.putAndLoad('dim_colour', { rows: [red] });
      await holder.query(`select pg_advisory_unlock_shared(${tableLock('dim_colour').join(', ')})`);
    });
    expect(await warehouse.ask('select name from dim_colour')).toEqual([{ name: 'red' }]);
  });
});

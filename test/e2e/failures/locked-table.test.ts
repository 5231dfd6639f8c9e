import { setTimeout as delay } from 'node:timers/promises';
import { describe, it } from '@jest/globals';
import pg from 'pg';
import { assertWithin } from '../../helpers/busy-machine.ts';
import { isLong } from '../../helpers/jest/long-form.ts';
import { seenRow } from '../../helpers/seen.ts';
import { ask, assertExact } from '../road.ts';
import { useWatchedRoad } from '../watched-road.ts';

/** How long the table stays locked. With waits that grow by an eighth, several attempts of its messages. */
const lockedMs = isLong ? 20_000 : 8000;
/** What a change of another table may take. The watch looks once a second. */
const othersWithin = 5;

describe('a watch while somebody holds a table locked', () => {
  const watched = useWatchedRoad();

  it.each([
    { side: 'source', table: 'design' },
    { side: 'warehouse', table: 'dim_design' },
  ] as const)('brings the changes of the others in time: $table of the $side', async ({ side, table }) => {
    const { road } = watched;
    const watch = watched.startWatch();
    await seenRow(road.warehouse, 'select from fact_sales_order');
    await seenRow(road.warehouse, 'select from dim_design');
    const locker = new pg.Client(road[side]);
    await locker.connect();
    if (side === 'warehouse') await locker.query(`begin; lock table ${table} in access exclusive mode`);
    else {
      await ask(road.source, `update design set design_name = 'before the lock' where design_id = 1`);
      await locker.query(`begin; lock table ${table} in access exclusive mode`);
    }
    const lockedAt = performance.now();
    const took: number[] = [];
    for (let change = 0; performance.now() - lockedAt < lockedMs; change++) {
      // Each of its changes is one more message that waits for the lock.
      if (side === 'warehouse')
        await ask(road.source, `update design set design_name = 'locked ${change}' where design_id = 3`);
      const name = `${side} ${change}`;
      await ask(
        road.source,
        `update counterparty set commercial_contact = '${name}' where counterparty_id = 2`,
      );
      await ask(road.source, `update staff set first_name = '${name}' where staff_id = 2`);
      const committed = performance.now();
      await seenRow(road.warehouse, `select from dim_staff where first_name = '${name}'`);
      took.push((performance.now() - committed) / 1000);
      await delay(200);
    }
    await locker.query('rollback');
    await locker.end();
    // One that waited for the lock would not have been seen. One of the others may be late.
    assertWithin(took.toSorted((a, b) => a - b)[Math.floor((took.length - 1) / 2)] ?? 0, othersWithin);
    await ask(road.source, `update design set design_name = 'after ${side}' where design_id = 4`);
    await seenRow(road.warehouse, `select from dim_design where design_name = 'after ${side}'`);
    await watch.end('SIGINT');
    watched.startWatch();
    await assertExact(road);
  });
});

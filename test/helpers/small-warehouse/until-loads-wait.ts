import type { WarehouseUnderTest } from './warehouse-under-test.ts';

const deadlineMs = 10_000;

/** Done when so many loads wait for a lock: of this type, or of any, and in such a statement. */
export async function untilLoadsWait(
  warehouse: WarehouseUnderTest,
  count: number,
  lock = '%',
  statement = '%',
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    // In no transaction of the test's, for that sees the same activity to its end.
    const { length } = await warehouse.ask(
      `select from pg_stat_activity where datname = current_database()
         and wait_event_type = 'Lock' and wait_event like $1 and query like '%' || $2 || '%'`,
      [lock, statement],
    );
    if (length === count) return;
    if (Date.now() > deadline) throw new Error(`${length} loads wait for ${lock}, not ${count}`);
  }
}

import pg from 'pg';

/** A session that edits its own orders without a pause, some edits in place, some rolled back, until it is stopped. */
export function startWriter(url: string, lane: number): { stop(): Promise<void> } {
  let isStopped = false;
  const work = (async () => {
    const client = new pg.Client(url);
    await client.connect();
    for (let step = 0; !isStopped; step++) {
      const id = 100 + lane + 4 * (step % 40);
      const moved = step % 3 === 0 ? ', last_updated = clock_timestamp()' : '';
      await client.query('begin');
      await client.query(`update sales_order set units_sold = ${step}${moved} where sales_order_id = ${id}`);
      await client.query('savepoint s');
      await client.query(`update payment set paid = not paid where payment_id = ${id}`);
      if (step % 5 === 0) await client.query('rollback to savepoint s');
      await client.query(step % 7 === 0 ? 'rollback' : 'commit');
    }
    await client.end();
  })();
  return {
    stop: () => {
      isStopped = true;
      return work;
    },
  };
}

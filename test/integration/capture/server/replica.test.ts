import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { defineDimension, int } from '../../../../shared/model/define.ts';
import { assembleModel } from '../../../../shared/model/model.ts';
import type { PlannedRun } from '../../../../shared/records/plan/run-record.ts';
import { calendar } from '../../../helpers/models/calendar.ts';
import {
  describeWithInstalledPostgres,
  startInstalled,
} from '../../../helpers/postgres/installed-postgres.ts';
import type { PostgresServer } from '../../../helpers/postgres/temporary-postgres.ts';
import type { CaptureBench } from '../capture-bench.ts';
import { shopDefinitions } from '../shop-model.ts';
import { attach, copyOf, endAll, startShop } from './shop-servers.ts';

afterEach(endAll);

describeWithInstalledPostgres('a streaming replica as the source', () => {
  let primary: PostgresServer;
  let owner: CaptureBench;
  // A standby takes no lower limit than its primary's.
  const settings = { max_prepared_transactions: '2' };
  let replica: CaptureBench;

  beforeEach(async () => {
    [primary, owner] = await startShop(startInstalled({ settings }));
    replica = await attach(await copyOf(primary, 'standby', settings), owner);
  });

  const catchUp = async (on = replica) => {
    const { rows } = await owner.source.query('select pg_current_wal_insert_lsn()::text as lsn');
    const caughtUp = async () => {
      const answer = await on.source.query('select pg_last_wal_replay_lsn() >= $1::pg_lsn as done', [
        rows[0]?.lsn,
      ]);
      return answer.rows[0]?.done === true;
    };
    // Makes the primary send what an open transaction has logged.
    await owner.source.query('select pg_current_xact_id()');
    while (!(await caughtUp()));
  };

  const runOnReplica = async () => {
    await catchUp();
    await replica.run();
  };

  it('loses nothing of what its primary had in progress', async () => {
    await runOnReplica();
    const [open, prepared] = [await owner.connect(), await owner.connect()];
    await open.query(`begin; insert into item values (10); savepoint a; insert into item values (11)`);
    await prepared.query(`begin; insert into item values (20); prepare transaction 'two phases'`);
    await owner.source.query('insert into item values (30)');
    await runOnReplica();
    // Enough subtransactions that the replica hears of them in another way.
    await open.query(`do $$ begin for n in 100..250 loop
      begin insert into item values (n); exception when division_by_zero then null; end; end loop; end $$`);
    await owner.source.query('insert into item values (31)');
    await runOnReplica();
    await open.query('commit');
    await runOnReplica();
    await owner.source.query(`commit prepared 'two phases'`);
    await runOnReplica();
    await replica.expectExact('item');
    await owner.expectExact('item');
  });

  it('is counted with the least tie, so that a row of the same snapshot stays', async () => {
    const definition = defineDimension({
      name: 'dim_item',
      source: { table: 'item', key: ['item_id'], columns: { item_id: 'int4' } },
      key: ['item_id'],
      columns: { item_id: int('item_id') },
    });
    const model = assembleModel({ name: 'test', tables: [calendar, definition] });
    await catchUp();
    const loaded = { version: 1, newest: null, entries: 0, generation: '0', whole: ['item'] };
    await replica.store.put('state/loaded.json', Buffer.from(JSON.stringify(loaded)));
    const plan = () => replica.plan({ model, censusFloorSeconds: 0 });
    await plan();
    expect(replica.queue.map(({ census }) => census !== undefined)).toEqual([false, true]);
    await replica.extractAll({ model });
    const versions = [...replica.store.objects]
      .filter(([key]) => key.endsWith('.ndjson.zst'))
      .map(([key, { metadata }]) => [key.startsWith('.census/'), metadata.version?.split(':')] as const);
    const of = (isCensus: boolean) => versions.find(([is]) => is === isCensus)?.[1] ?? [];
    expect(of(true).slice(0, 3)).toEqual(of(false).slice(0, 3));
    expect(of(true)[3]).toBe('-9223372036854775808');
    expect(BigInt(of(false)[3] ?? -1)).toBeGreaterThan(0n);
    // By time alone, and not while nothing can have happened.
    await plan();
    expect(replica.queue).toEqual([]);
    await owner.source.query('delete from item where item_id = 1');
    await catchUp();
    await plan();
    expect(replica.queue.filter(({ census }) => census !== undefined)).toHaveLength(1);
  });

  it('that lags behind the plan extracts nothing until it has caught up', async () => {
    const lagging = await attach(await copyOf(primary, 'standby', settings), owner);
    await catchUp(lagging);
    await lagging.source.query('select pg_wal_replay_pause()');
    await owner.source.query(`update item set note = 'not yet on the other replica' where item_id = 1`);
    await catchUp();
    // Restarts are trusted here, or the two replicas would be told apart by their start.
    await replica.plan({ restart: 'trusted' });
    const message = replica.queue.find(({ table }) => table === 'item');
    if (message === undefined) throw new Error('no message');
    await expect(lagging.extract(message, { restart: 'trusted' })).rejects.toThrow(/a replica that lags/);
    await expect(lagging.extract(message)).rejects.toThrow(/not the server that was planned on/);
    await lagging.source.query('select pg_wal_replay_resume()');
    await catchUp(lagging);
    expect((await lagging.extract(message, { restart: 'trusted' })).outcome).toBe('ingested');
    await lagging.expectExact('item');
  });

  it('is read under a new generation when the model changes, for an idle replica makes no version greater', async () => {
    await runOnReplica();
    const model = assembleModel({
      name: 'test',
      tables: [
        calendar,
        ...shopDefinitions,
        defineDimension({
          name: 'dim_department',
          source: { table: 'department', key: ['department_id'], columns: { department_id: 'int4' } },
          key: ['department_id'],
          columns: { department_id: int('department_id') },
        }),
      ],
    });
    const generations = async (planned: Promise<PlannedRun>) => BigInt((await planned).generation);
    const before = await generations(replica.plan());
    expect(replica.queue.splice(0)).toEqual([]);
    const planned = await replica.plan({ model });
    expect(BigInt(planned.generation)).toBeGreaterThan(before);
    expect(planned.slices.map(({ table, full }) => [table, full])).toEqual(
      ['item', 'department', 'staff'].map((table) => [table, true]),
    );
    await replica.extractAll({ model });
    expect((await replica.plan({ model })).slices).toEqual([]);

    // A table that was altered is newer by itself.
    await owner.source.query(`alter table item add column size int default 1`);
    await catchUp();
    const altered = await replica.plan({ model });
    expect(altered.generation).toBe(planned.generation);
    expect(altered.slices.map(({ table, full }) => [table, full])).toEqual([['item', true]]);
  });
});

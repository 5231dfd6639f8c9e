import { afterEach, describe, expect, it } from '@jest/globals';
import type pg from 'pg';
import { listFailures } from '../../../cli/failures/list-failures.ts';
import type { RunReport } from '../../../cli/run/report/make-report.ts';
import {
  type FollowedSlices,
  followSlices,
  listFollowedSlices,
} from '../../../cli/site/stage/follow-slices.ts';
import { formatRunKey } from '../../../shared/object-store/object-key.ts';
import type { PlannedRun } from '../../../shared/records/plan/run-record.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { seen } from '../../helpers/seen.ts';
import { OperatedStack } from './operated-stack.ts';

describe('following slices by the ledger and the dead letters', () => {
  let stack: OperatedStack;
  let warehouse: pg.Client;
  const use = async (started: Promise<OperatedStack>) => {
    stack = await started;
    warehouse = await stack.site.connectWarehouse();
  };
  afterEach(async () => {
    await warehouse?.end();
    await stack?.stop();
  });

  const follow = async (run: string): Promise<FollowedSlices> => {
    const object = await stack.site.ingested.get(formatRunKey(run));
    const planned = JSON.parse(Buffer.from(object?.body ?? []).toString()) as PlannedRun;
    // Of this run alone: the hour before it is looked at in a test of its own.
    const slices = await listFollowedSlices(stack.site.ingested, planned);
    const own = slices.filter((slice) => slice.run === run);
    return followSlices(own, {
      site: stack.site,
      listFailed: () => listFailures(stack.site),
      warehouse,
      model: totesys,
    });
  };

  it('ends when a whole run is loaded, including department, which goes no further than the ingested zone', async () => {
    await use(OperatedStack.start());
    const report = await stack.run();
    expect(report.slices).toBe(totesys.sources.length);
    expect(await (await follow(report.run)).look()).toEqual([]);
  });

  it('goes on while a load is held up', async () => {
    await use(OperatedStack.startLoaded());
    const holder = await stack.site.connectWarehouse();
    await holder.query('begin; lock table dim_design in access exclusive mode');
    await stack.source(`update design set design_name = 'Held up' where design_id = 1`);
    let ended: RunReport | undefined;
    const running = stack.run().then((report) => {
      ended = report;
    });
    await seen(async () => {
      const { rows } = await warehouse.query<{ waits: boolean }>(
        `select exists (select from pg_locks where relation = 'dim_design'::regclass and not granted) as waits`,
      );
      return rows[0]?.waits === true;
    });
    const run = await newestRun(stack);
    const followed = await follow(run);
    const held = [{ run, slice: expect.any(String), table: 'design' }];
    expect(await followed.look()).toEqual(held);
    expect(await followed.lookForFailures()).toEqual(held);
    await holder.query('rollback');
    await holder.end();
    await running;
    expect(ended?.run).toBe(run);
    expect(await followed.look()).toEqual([]);
  });

  it('ends when everything that is not loaded has failed for good, at whichever stage', async () => {
    await use(OperatedStack.startLoaded());
    await stack.source(`
      alter table transaction rename column transaction_type to kind;
      insert into transaction select 90001, 'SALE', null, null, now(), now();
      update currency set currency_code = 'BAD' where currency_id = 1`);
    await stack.warehouse(`alter table dim_currency add constraint poison check (currency_code <> 'BAD')`);
    const { run } = await stack.run();
    const followed = await follow(run);
    expect((await followed.look()).map(({ table }) => table).toSorted()).toEqual(['currency', 'transaction']);
    expect(await followed.lookForFailures()).toEqual([]);
    // Nor is what an operator has discarded waited for.
    const following = await follow(run);
    await stack.command('failures', 'drop', '--all');
    expect(await following.lookForFailures()).toEqual([]);
  });
});

async function newestRun({ site }: OperatedStack): Promise<string> {
  const keys: string[] = [];
  for await (const { key } of site.ingested.list('state/runs/')) keys.push(key);
  return keys.at(-1)?.replace(/^.*\/|\.json$/g, '') ?? '';
}

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { restoreDump } from '../helpers/restore-dump.ts';
import { type DeployedStage, openStage } from './deployed-stage.ts';
import { type GuardedDatabase, startGuardedDatabase } from './guarded-database.ts';
import { type MiniStack, startMiniStack } from './ministack.ts';
import { deployAll } from './serverless.ts';

const dump = process.env.TOTESYS_SQL;
if (dump === undefined)
  console.warn('TOTESYS_SQL is not set: the real data are not taken over the deployed road');

(dump === undefined ? describe.skip : describe)('the real Totesys data on a deployed stage', () => {
  const stage = 'ci';
  let aws: MiniStack;
  let source: GuardedDatabase;
  let warehouse: GuardedDatabase;
  let deployed: DeployedStage;

  beforeAll(async () => {
    [aws, source, warehouse] = await Promise.all([
      startMiniStack(),
      startGuardedDatabase('totesys'),
      startGuardedDatabase('warehouse'),
    ]);
    await restoreDump(dump ?? '', source.url);
    await source.admin.query('grant usage on schema public to starlift');
    await source.admin.query('grant select on all tables in schema public to starlift');
    await warehouse.admin.query('grant create on database warehouse to starlift');
    await warehouse.admin.query('grant create, usage on schema public to starlift');
    deployed = openStage(stage, aws, { source, warehouse });
  });

  afterAll(async () => {
    await Promise.all([aws?.stop(), source?.stop(), warehouse?.stop()]);
  });

  it('lands, every row of it', async () => {
    const { code, stdout, stderr } = await deployAll(stage, aws.environment);
    expect({ code, output: stdout + stderr }).toMatchObject({ code: 0 });
    await deployed.putSecrets();
    expect(await deployed.json('run')).toMatchObject({ code: 0, ok: true });
    expect(await deployed.json('verify')).toMatchObject({ code: 0, ok: true });
    const { rows } = await warehouse.admin.query(
      `select (select count(distinct sales_order_id) from fact_sales_order)::int as sales_orders,
              (select count(distinct payment_id) from fact_payment)::int as payments,
              (select count(distinct purchase_order_id) from fact_purchase_order)::int as purchase_orders,
              (select count(*) from dim_design)::int as designs`,
    );
    expect(rows).toEqual([{ sales_orders: 5099, payments: 7346, purchase_orders: 2247, designs: 249 }]);
    expect(await deployed.deadLetters()).toEqual({ extract: 0, transform: 0, load: 0 });
  });
});

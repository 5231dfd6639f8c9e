import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { restoreDump } from '../helpers/postgres/restore-dump.ts';
import { type Deployment, expectDone, startDeployment } from './deployment.ts';
import { deployAll } from './serverless.ts';

const dump = process.env.TOTESYS_SQL;
if (dump === undefined)
  console.warn('TOTESYS_SQL is not set: the real data are not taken over the deployed road');

(dump === undefined ? describe.skip : describe)('the real Totesys data on a deployed stage', () => {
  const stage = 'ci';
  let deployment: Deployment;

  beforeAll(async () => {
    deployment = await startDeployment(stage, ({ url }) => restoreDump(dump ?? '', url));
  });
  afterAll(() => deployment?.stop());

  it('lands, every row of it', async () => {
    const { aws, deployed, warehouse } = deployment;
    expectDone(await deployAll(stage, aws.environment));
    await deployed.putSecrets();
    expect(await deployed.json('run')).toMatchObject({ code: 0, ok: true });
    expect(await deployed.json('verify')).toMatchObject({ code: 0, ok: true, complete: true });
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

import { CloudFormationClient, ListStacksCommand } from '@aws-sdk/client-cloudformation';
import { ListEventSourceMappingsCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListQueuesCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fillSampleShop } from '../../cli/embedded/sample/fill.ts';
import { redrive } from '../../cli/operator/redrive.ts';
import { expectedAlarms, readAlarms } from './alarms.ts';
import { type DeployedStage, openStage } from './deployed-stage.ts';
import { type GuardedDatabase, startGuardedDatabase } from './guarded-database.ts';
import { type MiniStack, startMiniStack } from './ministack.ts';
import { nodeVersionOfFunctions } from './node-version.ts';
import { makeOperatorTarget } from './operator-target.ts';
import { deployAll, deployService, removeStage } from './serverless.ts';
import { waitUntil } from './wait-until.ts';

const stage = 'ci';
const plan = `starlift-ingestion-${stage}-plan`;
const noDeadLetters = { extract: 0, transform: 0, load: 0 };

let aws: MiniStack;
let source: GuardedDatabase;
let warehouse: GuardedDatabase;
let deployed: DeployedStage;

beforeAll(async () => {
  [aws, source, warehouse] = await Promise.all([
    startMiniStack(),
    startGuardedDatabase('shop'),
    startGuardedDatabase('warehouse'),
  ]);
  await fillSampleShop(source.admin, { orders: 500 });
  // The least that docs/deploy.md grants.
  await source.admin.query('grant select on all tables in schema public to starlift');
  await warehouse.admin.query('grant create on database warehouse to starlift');
  await warehouse.admin.query('grant create, usage on schema public to starlift');
  deployed = openStage(stage, aws, { source, warehouse });
});

afterAll(async () => {
  await Promise.all([aws?.stop(), source?.stop(), warehouse?.stop()]);
});

describe('a stage deployed by serverless', () => {
  it('is deployed by one command, its functions run on Node 24', async () => {
    const { code, stdout, stderr } = await deployAll(stage, aws.environment);
    expect({ code, output: stdout + stderr }).toMatchObject({ code: 0 });
    expect(await nodeVersionOfFunctions(deployed.lambda, plan)).toMatch(/^v24\./);
  });

  it('has an alarm on all that can get stuck, which writes to the operator', async () => {
    const { alarms, subscribers } = await readAlarms(aws);
    expect(alarms).toEqual(expectedAlarms);
    expect(subscribers).toEqual(['operator@example.com']);
  });

  it('the sample shop lands, every row of it', async () => {
    await deployed.putSecrets();
    expect(await deployed.invoke(plan)).toMatchObject({ failures: [] });
    await deployed.waitUntilLoaded(180);
    const { rows } = await warehouse.admin.query('select count(*)::int as orders from fact_sales_order');
    expect(rows[0]?.orders).toBeGreaterThanOrEqual(500);
    expect(await deployed.deadLetters()).toEqual(noDeadLetters);
  });

  it('a change in the source arrives by the schedule, without anybody calling', async () => {
    await source.admin.query(`update design set design_name = 'By the schedule' where design_id = 1`);
    const isThere = async () => {
      const { rows } = await warehouse.admin.query(
        `select from dim_design where design_name = 'By the schedule'`,
      );
      return rows.length === 1;
    };
    await waitUntil('the change has arrived', 150, isThere);
  });

  it('a poisoned table goes to its dead-letter queue while the others land, and is redriven', async () => {
    await warehouse.admin.query(
      `alter table dim_currency add constraint poison check (currency_code <> 'BAD')`,
    );
    await source.admin.query(`update currency set currency_code = 'BAD' where currency_id = 1`);
    await source.admin.query(
      `update payment_type set payment_type_name = 'Beside it' where payment_type_id = 1`,
    );
    await deployed.invoke(plan);
    const target = makeOperatorTarget(stage, aws.endpoint, deployed);
    const [letter] = await waitUntil('the message is a dead letter', 120, async () => {
      const letters = await target.listDeadLetters();
      return letters.length > 0 && letters;
    });
    expect(letter).toMatchObject({ queue: 'load', table: 'dim_currency', error: 'TerminalError' });
    await waitUntil('its neighbour has landed', 120, async () => {
      const { rows } = await warehouse.admin.query(
        `select from dim_payment_type where payment_type_name = 'Beside it'`,
      );
      return rows.length === 1;
    });
    await warehouse.admin.query('alter table dim_currency drop constraint poison');
    const redriven = await redrive(target, {});
    expect(redriven).toEqual([expect.objectContaining({ queue: 'load', outcome: 'sent' })]);
    await deployed.waitUntilLoaded(120);
    expect(await deployed.deadLetters()).toEqual(noDeadLetters);
  });

  it('rotated passwords cost nothing', async () => {
    const refusals = await Promise.all([source.rotatePassword(), warehouse.rotatePassword()]);
    expect(refusals).toEqual(['28P01', '28P01']);
    await deployed.putSecrets();
    await source.admin.query(`update staff set first_name = 'Rotated' where staff_id = 1`);
    await deployed.invoke(plan);
    await deployed.waitUntilLoaded(120);
    expect(await deployed.deadLetters()).toEqual(noDeadLetters);
  });

  it('one service is deployed alone while work flows', async () => {
    await source.admin.query(`update sales_order set units_sold = units_sold + 1, last_updated = now()`);
    const [, { code, stdout, stderr }] = await Promise.all([
      deployed.invoke(plan),
      deployService('loading', ['--stage', stage, '--param', 'loaders=3'], aws.environment),
    ]);
    expect({ code, output: stdout + stderr }).toMatchObject({ code: 0 });
    const { EventSourceMappings } = await deployed.lambda.send(
      new ListEventSourceMappingsCommand({ FunctionName: `starlift-loading-${stage}-load` }),
    );
    expect(EventSourceMappings?.map(({ ScalingConfig }) => ScalingConfig?.MaximumConcurrency)).toEqual([3]);
    await deployed.waitUntilLoaded(180);
    expect(await deployed.deadLetters()).toEqual(noDeadLetters);
  });

  it('is not removed while its buckets hold data, and leaves nothing when told to', async () => {
    const refused = await removeStage(['--stage', stage], aws.environment);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^starlift: starlift-ci-processed-\S+ and starlift-ci-ingested-\S+ hold data: .*\n$/,
      ),
    });
    const { code, stdout, stderr } = await removeStage(['--stage', stage, '--delete-data'], aws.environment);
    expect({ code, output: stdout + stderr }).toMatchObject({ code: 0 });
    const connection = {
      endpoint: aws.endpoint,
      region: 'eu-west-2',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    const { StackSummaries } = await new CloudFormationClient(connection).send(new ListStacksCommand({}));
    const left = (StackSummaries ?? []).filter(({ StackStatus }) => StackStatus !== 'DELETE_COMPLETE');
    const { Buckets = [] } = await new S3Client(connection).send(new ListBucketsCommand({}));
    const { QueueUrls = [] } = await deployed.sqs.send(new ListQueuesCommand({}));
    const { Functions = [] } = await deployed.lambda.send(new ListFunctionsCommand({}));
    const functions = Functions.map(({ FunctionName }) => FunctionName);
    expect({ left, Buckets, QueueUrls, functions }).toEqual({
      left: [],
      Buckets: [],
      QueueUrls: [],
      functions: [],
    });
  });
});

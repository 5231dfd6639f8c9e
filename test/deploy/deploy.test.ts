import { CloudFormationClient, ListStacksCommand } from '@aws-sdk/client-cloudformation';
import { InvokeCommand, ListEventSourceMappingsCommand, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListQueuesCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { fillSampleShop } from '../../cli/embedded/sample/fill.ts';
import type { FailureGroup } from '../../cli/operator/list-failures.ts';
import type { Status } from '../../cli/status/status.ts';
import { finished, spawnStarlift, starlift } from '../helpers/starlift.ts';
import { expectedAlarms, readAlarms } from './alarms.ts';
import { type DeployedStage, openStage } from './deployed-stage.ts';
import { type GuardedDatabase, startGuardedDatabase } from './guarded-database.ts';
import { type MiniStack, startMiniStack } from './ministack.ts';
import { nodeVersionOfFunctions } from './node-version.ts';
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

  it('tells in one line what keeps a command from it', async () => {
    const refused = async (args: string) => (await deployed.command(args)).stderr;
    expect(await refused('run')).toBe(
      "starlift: the warehouse's secret is still empty: npx starlift secrets put warehouse --stage ci fills it\n",
    );
    const none = await starlift(['failures', '--stage', 'none'], aws.environment);
    expect(none).toEqual({
      ...{ code: 2, stdout: '' },
      stderr:
        'starlift: there is no stage none in eu-west-2: --region names another, npm run deploy -- --stage none makes it\n',
    });
    const stranger = await starlift(['failures', '--stage', 'ci'], {
      ...aws.environment,
      AWS_ACCESS_KEY_ID: 'stranger',
    });
    expect(stranger.code).toBe(2);
    expect(stranger.stderr).toMatch(/^starlift: AWS refuses the credentials: .*\n$/);
  });

  it('the sample shop lands by one run, which ends when every row of it is there', async () => {
    const told = await deployed.putSecrets();
    expect(told).toContain('Next: npx starlift secrets put warehouse --stage ci\n');
    expect(told).toContain('Next: npx starlift run --stage ci\n');
    expect(await deployed.json('run')).toMatchObject({ code: 0, ok: true });
    expect(await deployed.json('verify')).toMatchObject({ code: 0, ok: true });
    const { rows } = await warehouse.admin.query('select count(*)::int as orders from fact_sales_order');
    expect(rows[0]?.orders).toBeGreaterThanOrEqual(500);
    expect(await deployed.deadLetters()).toEqual(noDeadLetters);
  });

  it('shows its state: fresh, with nothing on the way and nothing that needs a hand', async () => {
    const status = await deployed.json<Status>('status');
    expect(status).toMatchObject({ code: 0, ok: true, deadLetters: [], waiting: [], troubles: [] });
    expect(status.tables).toHaveLength(11);
    for (const { rows, lagSeconds } of status.tables) {
      expect(rows).toBeGreaterThan(0);
      expect(lagSeconds).toBeLessThan(300);
    }
    for (const list of ['quarantine', 'waiting']) {
      expect(await deployed.json(list)).toMatchObject({ code: 0, ok: true });
    }
    const asked = await deployed.command('sql --source --json select(1)');
    expect(asked).toMatchObject({ code: 0, stdout: expect.stringContaining('"rows":[["1"]]') });
  });

  it('measures how old each table is', async () => {
    const { Payload, FunctionError } = await deployed.lambda.send(
      new InvokeCommand({ FunctionName: `starlift-loading-${stage}-freshness` }),
    );
    const tables = JSON.parse(Buffer.from(Payload ?? []).toString()) as { lagSeconds: number }[];
    expect({ FunctionError, tables: tables.length }).toEqual({ FunctionError: undefined, tables: 11 });
    expect(tables.every(({ lagSeconds }) => lagSeconds < 180)).toBe(true);
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
    expect(await deployed.json('run')).toMatchObject({ code: 1, ok: false });
    const { rows: neighbours } = await warehouse.admin.query(
      `select from dim_payment_type where payment_type_name = 'Beside it'`,
    );
    expect(neighbours).toHaveLength(1);
    const { code, failures } = await deployed.json<{ failures: FailureGroup[] }>('failures');
    expect(code).toBe(1);
    expect(failures).toEqual([
      expect.objectContaining({
        ...{ queue: 'load', table: 'dim_currency', error: 'TerminalError', count: 1, attempts: 1 },
        redrive: 'npx starlift redrive --table dim_currency --queue load --stage ci',
      }),
    ]);
    expect(await deployed.json('status')).toMatchObject({
      code: 1,
      troubles: [{ kind: 'failed', table: 'dim_currency', command: failures[0]?.redrive }],
    });
    await warehouse.admin.query('alter table dim_currency drop constraint poison');
    expect(await deployed.json('redrive --table currency')).toMatchObject({
      code: 0,
      redriven: [{ queue: 'load', outcome: 'sent' }],
    });
    expect(await deployed.json('run')).toMatchObject({ code: 0, ok: true });
    expect(await deployed.json('failures')).toEqual({ code: 0, ok: true, failures: [] });
  });

  it('a table that was emptied comes again from S3', async () => {
    await warehouse.admin.query('truncate dim_design');
    expect(await deployed.json('verify')).toMatchObject({ code: 1, ok: false });
    const replayed = await deployed.command('replay --table design');
    expect(replayed).toMatchObject({ code: 0, stderr: '' });
    expect(replayed.stdout).toMatch(
      /of dim_design were sent to be loaded again\nThe stage takes them at once/,
    );
    await deployed.waitUntilLoaded(60);
  });

  it('a run that is interrupted ends at once, and the work goes on', async () => {
    await source.admin.query(`update design set design_name = 'Held up' where design_id = 2`);
    await warehouse.admin.query('begin');
    await warehouse.admin.query('lock table dim_design in access exclusive mode');
    const run = spawnStarlift(['run', '--stage', stage], aws.environment);
    const ended = finished(run);
    await waitUntil('the load waits for the table', 60, () => isAnyWaiting(warehouse));
    run.kill('SIGINT');
    expect(await ended).toMatchObject({
      code: 130,
      stdout:
        'Stopped following. The work goes on in the stage ci: npx starlift status --stage ci shows how far it is.\n',
    });
    await warehouse.admin.query('rollback');
    await deployed.waitUntilLoaded(60);
  });

  it('rotated passwords cost nothing, and are put without being shown', async () => {
    const refusals = await Promise.all([source.rotatePassword(), warehouse.rotatePassword()]);
    expect(refusals).toEqual(['28P01', '28P01']);
    const told = await deployed.putSecrets();
    for (const { password } of [source, warehouse]) expect(told).not.toContain(password());
    await source.admin.query(`update staff set first_name = 'Rotated' where staff_id = 1`);
    expect(await deployed.json('run')).toMatchObject({ code: 0, ok: true });
    expect(await deployed.json('verify')).toMatchObject({ code: 0, ok: true });
    expect(await deployed.deadLetters()).toEqual(noDeadLetters);
  });

  it('one service is deployed alone while work flows', async () => {
    await source.admin.query(`update sales_order set units_sold = units_sold + 1, last_updated = now()`);
    const [, { code, stdout, stderr }] = await Promise.all([
      deployed.command('run'),
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

/** Whether somebody waits for a lock of the table that the test has locked. */
async function isAnyWaiting({ url }: GuardedDatabase): Promise<boolean> {
  const observer = new pg.Client({ connectionString: url });
  await observer.connect();
  try {
    const { rows } = await observer.query(
      `select from pg_locks where relation = 'dim_design'::regclass and not granted`,
    );
    return rows.length > 0;
  } finally {
    await observer.end();
  }
}

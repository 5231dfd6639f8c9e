import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InvokeCommand, ListEventSourceMappingsCommand } from '@aws-sdk/client-lambda';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { FailureGroup } from '../../cli/failures/list-failures.ts';
import type { Status } from '../../cli/status/status.ts';
import { fillSampleShop } from '../../models/totesys/sample/fill.ts';
import { startTcpProxy } from '../helpers/network/tcp-proxy.ts';
import { finished, spawnStarlift, starlift } from '../helpers/processes/starlift.ts';
import { expectedAlarms, readAlarms } from './alarms.ts';
import { type Deployment, expectDone, startDeployment } from './deployment.ts';
import { listLeft } from './left-behind.ts';
import { nodeVersionOfFunctions } from './node-version.ts';
import { deployAll, deployService, removeService, removeStage } from './serverless.ts';
import { waitUntil } from './wait-until.ts';

const stage = 'ci';
const noDeadLetters = { extract: 0, transform: 0, load: 0 };

let deployment: Deployment;
let aws: Deployment['aws'];
let source: Deployment['source'];
let warehouse: Deployment['warehouse'];
let deployed: Deployment['deployed'];

beforeAll(async () => {
  deployment = await startDeployment(stage, ({ admin }) => fillSampleShop(admin, { orders: 500 }));
  ({ aws, source, warehouse, deployed } = deployment);
});

afterAll(() => deployment?.stop());

describe('a stage deployed by serverless', () => {
  it('is deployed by one command, its functions run on Node 24', async () => {
    expectDone(await deployAll(stage, aws.environment));
    expect(await nodeVersionOfFunctions(deployed.lambda, `starlift-ingestion-${stage}-plan`)).toMatch(
      /^v24\./,
    );
  });

  it('publishes the model with a deploy, and says whether it is in force already', async () => {
    const again = await deployService('ingestion', ['--stage', stage], aws.environment);
    expectDone(again);
    expect(again.stdout + again.stderr).toMatch(
      /^model 1 \(totesys of the sample shop, [0-9a-f]{12}\) is in force already$/m,
    );
    const project = mkdtempSync(join(tmpdir(), 'starlift-project-'));
    try {
      mkdirSync(join(project, 'tables'));
      writeFileSync(join(project, 'starlift.yml'), '');
      writeFileSync(join(project, 'tables', 'dim_a.yml'), 'dimension: dim_a\nform: a\n');
      const environment = { ...aws.environment, STARLIFT_PROJECT: project };
      const refused = await deployService('ingestion', ['--stage', stage], environment);
      expect(refused.code).toBe(1);
      expect(refused.stdout + refused.stderr).toMatch(/tables\/dim_a\.yml line \d+: .*form/);
    } finally {
      rmSync(project, { recursive: true });
    }
  });

  it('has an alarm on all that can get stuck, which writes to the operator', async () => {
    const { alarms, subscribers } = await readAlarms(aws);
    expect(alarms).toEqual(expectedAlarms);
    expect(subscribers).toEqual(['operator@example.com']);
  });

  it('tells in one line what keeps a command from it', async () => {
    const refused = async (args: string) => (await deployed.command(args)).stderr;
    expect(await refused('run')).toBe(
      "starlift: the warehouse's secret is still empty: fill it with npx starlift secrets put warehouse --stage ci\n",
    );
    const none = await starlift(['failures', '--stage', 'none'], aws.environment);
    expect(none).toEqual({
      ...{ code: 2, stdout: '' },
      stderr:
        'starlift: there is no stage none in eu-west-2: choose another region with --region, or create the stage with npx starlift deploy --stage none\n',
    });
    const unknown = { ...aws.environment, AWS_ACCESS_KEY_ID: 'stranger' };
    const stranger = await starlift(['failures', '--stage', 'ci'], unknown);
    expect(stranger.code).toBe(2);
    expect(stranger.stderr).toMatch(/^starlift: AWS refuses the credentials: .*\n$/);
  });

  it('the sample shop lands by one run, which ends when every row of it is there', async () => {
    const told = await deployed.putSecrets();
    expect(told).toContain('Next: npx starlift secrets put warehouse --stage ci\n');
    expect(told).toContain('Next: npx starlift run --stage ci\n');
    expect(await deployed.json('run')).toMatchObject({ code: 0, ok: true });
    expect(await deployed.json('verify')).toMatchObject({ code: 0, ok: true, complete: true });
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
    for (const list of ['quarantine', 'waiting'])
      expect(await deployed.json(list)).toMatchObject({ code: 0, ok: true });
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
    const change = `select from dim_design where design_name = 'By the schedule'`;
    const isThere = async () => (await warehouse.admin.query(change)).rows.length === 1;
    await waitUntil('the change has arrived', 150, isThere);
  });

  it('a poisoned table goes to its dead-letter queue while the others land, and is redriven', async () => {
    await warehouse.admin.query(
      `alter table dim_currency add constraint poison check (currency_code <> 'BAD')`,
    );
    await source.admin.query(`
      update currency set currency_code = 'BAD' where currency_id = 1;
      update payment_type set payment_type_name = 'Beside it' where payment_type_id = 1`);
    expect(await deployed.json('run')).toMatchObject({ code: 1, ok: false });
    const beside = `select from dim_payment_type where payment_type_name = 'Beside it'`;
    expect((await warehouse.admin.query(beside)).rows).toHaveLength(1);
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

  it('is followed and compared from a machine that reaches its databases by tunnels alone', async () => {
    const [toWarehouse, toSource] = await Promise.all(
      [warehouse, source].map(({ url }) => startTcpProxy(Number(new URL(url).port))),
    );
    if (toWarehouse === undefined || toSource === undefined) throw new Error('two were started');
    const options = `--via localhost:${toWarehouse.port} --via-source 127.0.0.1:${toSource.port}`;
    await source.admin.query(`update design set design_name = 'By a tunnel' where design_id = 3`);
    expect(await deployed.json(`run --via localhost:${toWarehouse.port}`)).toMatchObject({
      ...{ code: 0, ok: true },
      tables: expect.arrayContaining([expect.objectContaining({ table: 'dim_design', loaded: 1 })]),
    });
    for (const args of ['verify', 'status', 'trace dim_design 3'])
      expect(await deployed.json(`${args} ${options}`)).toMatchObject({ code: 0 });
    await Promise.all([toWarehouse.close(), toSource.close()]);
    expect((await deployed.command(`verify ${options}`)).stderr).toMatch(
      /^starlift: the \w+ at 127\.0\.0\.1:\d+ via \S+ cannot be reached \(ECONNREFUSED\); is the tunnel open\?\n$/,
    );
  });

  it('a table that was emptied comes again from S3', async () => {
    await warehouse.admin.query('truncate dim_design');
    expect(await deployed.json('verify')).toMatchObject({ code: 1, ok: false });
    expect(await deployed.command('replay --table design')).toMatchObject({
      ...{ code: 0, stderr: '' },
      stdout: expect.stringMatching(
        /of dim_design were sent to be loaded again\nThe stage takes them at once/,
      ),
    });
    await deployed.waitUntilLoaded(60);
  });

  it('a run that is interrupted ends at once, and the work goes on', async () => {
    await source.admin.query(`update design set design_name = 'Held up' where design_id = 2`);
    await warehouse.admin.query('begin; lock table dim_design in access exclusive mode');
    const run = spawnStarlift(['run', '--stage', stage], aws.environment);
    const ended = finished(run);
    await waitUntil('the load waits for the table', 60, () => warehouse.isAwaited('dim_design'));
    run.kill('SIGINT');
    expect(await ended).toMatchObject({
      code: 130,
      stdout:
        'Stopped following. The work goes on in the stage ci: see how far it is with npx starlift status --stage ci\n',
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
    expect(await deployed.json('verify')).toMatchObject({ code: 0, ok: true, complete: true });
    expect(await deployed.deadLetters()).toEqual(noDeadLetters);
  });

  it('one service is deployed alone while work flows', async () => {
    await source.admin.query(`update sales_order set units_sold = units_sold + 1, last_updated = now()`);
    const [, done] = await Promise.all([
      deployed.command('run'),
      deployService('loading', ['--stage', stage, '--param', 'loaders=3'], aws.environment),
    ]);
    expectDone(done);
    const { EventSourceMappings } = await deployed.lambda.send(
      new ListEventSourceMappingsCommand({ FunctionName: `starlift-loading-${stage}-load` }),
    );
    expect(EventSourceMappings?.map(({ ScalingConfig }) => ScalingConfig?.MaximumConcurrency)).toEqual([3]);
    await deployed.waitUntilLoaded(180);
    expect(await deployed.deadLetters()).toEqual(noDeadLetters);
  });

  it('is refused where the account has too little concurrency, before anything is changed', async () => {
    const tooMany = ['--stage', stage, '--param', 'loaders=999'];
    const refused = await deployService('loading', tooMany, aws.environment);
    expect(refused.code).toBe(1);
    expect(refused.stdout + refused.stderr).toMatch(
      /^the account can reserve \d+ of its \d+ concurrent functions here, and the stage reserves 1006/m,
    );
    const { EventSourceMappings } = await deployed.lambda.send(
      new ListEventSourceMappingsCommand({ FunctionName: `starlift-loading-${stage}-load` }),
    );
    expect(EventSourceMappings?.map(({ ScalingConfig }) => ScalingConfig?.MaximumConcurrency)).toEqual([3]);
  });

  it('loses no service that others stand on', async () => {
    const refused = await removeService('ingestion', stage, aws.environment);
    expect(refused.code).toBe(1);
    expect(refused.stdout + refused.stderr).toMatch(
      /^starlift-transformation-ci and starlift-loading-ci would be left without what starlift-ingestion-ci owns/m,
    );
  });

  it('is not removed while its buckets hold data, and leaves nothing when told to', async () => {
    const refused = await removeStage(['--stage', stage], aws.environment);
    expect(refused).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^starlift: starlift-ci-processed-\S+ and starlift-ci-ingested-\S+ hold data: .*\n$/,
      ),
    });
    expectDone(await removeStage(['--stage', stage, '--delete-data'], aws.environment));
    expect(await listLeft(aws)).toEqual({ stacks: [], buckets: [], queues: [], functions: [] });
  });
});

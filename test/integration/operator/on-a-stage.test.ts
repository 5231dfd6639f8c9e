import { PassThrough } from 'node:stream';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { buckets, queueNames, secretIds } from '../../../cli/embedded/resources.ts';
import { parseCommand } from '../../../cli/parse-command.ts';
import { runOnStage } from '../../../cli/run/run-on-stage.ts';
import { putSecret } from '../../../cli/secrets/put-secret.ts';
import type { Status } from '../../../cli/status/status.ts';
import { makeTerminal } from '../../../cli/terminal.ts';
import { captureStateKey } from '../../../shared/object-store/object-key.ts';
import { seen } from '../../e2e/seen.ts';
import { OperatedStack } from './operated-stack.ts';
import { startStageFront } from './stage-front.ts';

jest.setTimeout(120_000);

const stage = { stage: 'embedded', region: 'eu-west-2' };

describe('the commands on a stage', () => {
  let stack: OperatedStack;
  let front: Awaited<ReturnType<typeof startStageFront>>;
  let plan: () => Promise<unknown>;
  const stacks: Record<string, Record<string, string>> = {};
  const before = { ...process.env };

  beforeAll(async () => {
    stack = await OperatedStack.start();
    plan = () => stack.plan();
    Object.assign(stacks, stacksOf(stack.endpoint));
    front = await startStageFront({ stacks, plan: () => plan() });
    Object.assign(process.env, front.environment, {
      ...{ AWS_ENDPOINT_URL: stack.endpoint, AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' },
      AWS_REGION: stage.region,
    });
  });
  afterAll(async () => {
    process.env = before;
    front?.stop();
    await stack?.stop();
  });

  const command = async (args: string) => {
    const output = new PassThrough();
    const terminal = makeTerminal(output, output, args.includes('--json'));
    const code = await (await parseCommand([...args.split(' '), '--stage', 'embedded']))(terminal);
    return { code, text: String(output.read() ?? '') };
  };
  const json = async <T>(args: string): Promise<T & { code: number }> => {
    const { code, text } = await command(`${args} --json`);
    return { ...(JSON.parse(text.trimEnd().split('\n').at(-1) ?? '') as T), code };
  };

  it('are told that nothing has been loaded yet, and what begins it', async () => {
    await stack.warehouse('drop schema starlift cascade');
    expect((await command('status')).text).toMatch(
      /^Nothing has been loaded yet: npx starlift run --stage embedded begins\./,
    );
  });

  it('a run ends when all of it is in the warehouse', async () => {
    const report = await json<{ ok: boolean; tables: { table: string; loaded: number }[] }>('run');
    expect(report).toMatchObject({ code: 0, ok: true });
    const [payments] = await stack.source<{ n: number }>('select count(*)::int as n from payment');
    expect(report.tables).toContainEqual(
      expect.objectContaining({ table: 'fact_payment', extracted: payments?.n, loaded: payments?.n }),
    );
    expect(await json('verify')).toMatchObject({ code: 0, ok: true });
    for (const list of ['quarantine', 'waiting'])
      expect(await json(list)).toMatchObject({ code: 0, ok: true });
    expect(await command('sql select(1)')).toMatchObject({ code: 0 });
  });

  it('a run names what has failed, with the commands for this stage, and ends', async () => {
    await stack.source(`update currency set currency_code = 'BAD' where currency_id = 1`);
    await stack.warehouse(`alter table dim_currency add constraint poison check (currency_code <> 'BAD')`);
    const { code, text } = await command('run');
    expect(code).toBe(1);
    expect(text).toContain('npx starlift redrive --table dim_currency --queue load --stage embedded\n');
    const status = await json<Status>('status');
    expect(status).toMatchObject({ code: 1, troubles: [{ kind: 'failed', table: 'dim_currency' }] });
    // CloudWatch knows nothing of the queue.
    expect(status.queues).toContainEqual(
      expect.objectContaining({ queue: 'load', deadLetters: 1, oldestDeadLetterSeconds: null }),
    );
    await stack.warehouse('alter table dim_currency drop constraint poison');
    expect((await command('redrive')).text).toMatch(/\nThe stage takes them at once\.\n$/);
    expect(await json('run')).toMatchObject({ code: 0, ok: true });
  });

  it('a run follows what the schedule has planned just before it', async () => {
    const holder = await stack.target.warehouse();
    await holder.query('begin; lock table dim_design in access exclusive mode');
    await stack.source(`update design set design_name = 'Scheduled' where design_id = 1`);
    await stack.plan();
    const output = new PassThrough();
    const controller = new AbortController();
    const running = runOnStage(stage, controller.signal, makeTerminal(output, output, false));
    await seen(() => isLocked(stack));
    await holder.query('rollback');
    await holder.end();
    expect(await running).toBe(0);
    expect(String(output.read())).toMatch(/ dim_design +\| design +\| +1 \| +1 \|/);
  });

  it('a run that is interrupted ends at once, and says that the work goes on', async () => {
    const holder = await stack.target.warehouse();
    await holder.query('begin; lock table dim_design in access exclusive mode');
    await stack.source(`update design set design_name = 'Held up' where design_id = 1`);
    const output = new PassThrough();
    const controller = new AbortController();
    const running = runOnStage(stage, controller.signal, makeTerminal(output, output, false));
    await seen(() => isLocked(stack));
    controller.abort();
    expect(await running).toBe(130);
    expect(String(output.read())).toBe(
      'Stopped following. The work goes on in the stage embedded: npx starlift status --stage embedded --region eu-west-2 shows how far it is.\n',
    );
    await holder.query('rollback');
    await holder.end();
    await stack.run();
    expect(await stack.differences()).toEqual([]);
  });

  it('a run ends with a word when its source is replaced: its slices are dropped', async () => {
    const { ingested } = stack.target;
    const holder = await stack.target.warehouse();
    await holder.query('begin; lock table dim_design in access exclusive mode');
    await stack.source(`update design set design_name = 'Replaced' where design_id = 1`);
    const running = command('run');
    await seen(() => isLocked(stack));
    const state = (await ingested.get(captureStateKey))?.body ?? Buffer.from('{}');
    const { generation } = JSON.parse(Buffer.from(state).toString()) as { generation: string };
    const later = {
      ...JSON.parse(Buffer.from(state).toString()),
      generation: String(Number(generation) + 1),
    };
    await ingested.put(captureStateKey, Buffer.from(JSON.stringify(later)));
    await expect(running).rejects.toThrow(
      'the source was restarted or replaced meanwhile, and all of it is captured anew: npx starlift run --stage embedded follows that',
    );
    await ingested.put(captureStateKey, state);
    await holder.query('rollback');
    await holder.end();
  });

  it('a plan that fails says why', async () => {
    plan = () => Promise.reject(new TypeError('the state is corrupt'));
    await expect(command('run')).rejects.toThrow('plan: the state is corrupt');
    plan = () => stack.plan();
  });

  it("put a database's secret, and show nothing of it", async () => {
    const url = 'postgres://loader:s3cr%40t@db.example/warehouse';
    const output = new PassThrough();
    await putSecret(stage, 'warehouse', async () => url, makeTerminal(output, output, false));
    const told = String(output.read());
    expect(told).toContain('loader at db.example:5432/warehouse, verify-full.');
    expect(told).not.toMatch(/s3cr/);
    const { SecretString = '' } = await new SecretsManagerClient().send(
      new GetSecretValueCommand({ SecretId: secretIds.warehouse }),
    );
    expect(JSON.parse(SecretString)).toEqual({
      ...{ host: 'db.example', port: 5432, dbname: 'warehouse', username: 'loader', password: 's3cr@t' },
      sslmode: 'verify-full',
    });
  });

  it('say in one line that the warehouse is out of reach, before a run is begun', async () => {
    const nobody = 'postgres://loader:s3cret@127.0.0.1:1/warehouse?sslmode=disable';
    const output = new PassThrough();
    await putSecret(stage, 'warehouse', async () => nobody, makeTerminal(output, output, true));
    plan = () => Promise.reject(new Error('nobody asked for a plan'));
    await expect(command('run')).rejects.toMatchObject({
      exitCode: 2,
      message:
        "the warehouse at 127.0.0.1:1 cannot be reached (ECONNREFUSED): a run is followed from where the warehouse can be reached; the stage's schedule goes on without",
    });
  });

  it('name a stage that is not whole, or not there', async () => {
    delete stacks['starlift-loading-embedded'];
    await expect(command('failures')).rejects.toMatchObject({
      exitCode: 2,
      message: 'the stage embedded in eu-west-2 is not whole: there is no stack starlift-loading-embedded',
    });
    for (const name of Object.keys(stacks)) delete stacks[name];
    await expect(command('verify')).rejects.toMatchObject({
      exitCode: 2,
      message:
        'there is no stage embedded in eu-west-2: --region names another, npm run deploy -- --stage embedded makes it',
    });
  });
});

const stacksOf = (endpoint: string) => ({
  'starlift-ingestion-embedded': {
    ingestedBucket: buckets.ingested,
    extractQueueUrl: `${endpoint}/000000000000/${queueNames.extract}`,
    transformQueueUrl: `${endpoint}/000000000000/${queueNames.transform}`,
    ...{ planFunction: 'plan', sourceSecret: secretIds.source },
  },
  'starlift-transformation-embedded': {
    processedBucket: buckets.processed,
    loadQueueUrl: `${endpoint}/000000000000/${queueNames.load}`,
  },
  'starlift-loading-embedded': { warehouseSecret: secretIds.warehouse, warehouseSchema: 'public' },
});

async function isLocked(stack: OperatedStack): Promise<boolean> {
  const rows = await stack.warehouse(
    `select from pg_locks where relation = 'dim_design'::regclass and not granted`,
  );
  return rows.length > 0;
}

import { PassThrough } from 'node:stream';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterEach, describe, expect, it } from '@jest/globals';
import { secretIds } from '../../../../cli/embedded/resources.ts';
import { putSecret } from '../../../../cli/site/stage/put-secret.ts';
import type { Status } from '../../../../cli/status/status.ts';
import { makeTerminal } from '../../../../cli/terminal/terminal.ts';
import { writeWarehouseEvidence } from '../../../../shared/records/warehouse-evidence.ts';
import { totesys } from '../../../helpers/models/totesys.ts';
import { startTcpProxy, type TcpProxy } from '../../../helpers/network/tcp-proxy.ts';
import { OperatedStack } from '../operated-stack.ts';
import { type StackAsStage, stage, startStackAsStage } from './stack-as-stage.ts';

describe('the commands on a stage', () => {
  let staged: StackAsStage;
  let stack: OperatedStack;

  const use = async (started: Promise<OperatedStack>) => {
    staged = await startStackAsStage(await started);
    ({ stack } = staged);
  };
  afterEach(() => staged?.stop());

  it('say that nothing has been loaded yet, and which command begins', async () => {
    await use(OperatedStack.start());
    const { code, text } = await staged.command('status');
    expect(code).toBe(1);
    expect(text).toContain('! nothing has been loaded yet\n    npx starlift run --stage embedded\n');
  });

  it('include a run, which ends when all of it is in the warehouse', async () => {
    await use(OperatedStack.start());
    const report = await staged.json<{ ok: boolean; tables: { table: string; loaded: number }[] }>('run');
    expect(report).toMatchObject({ code: 0, ok: true });
    const [payments] = await stack.source<{ n: number }>('select count(*)::int as n from payment');
    expect(report.tables).toContainEqual(
      expect.objectContaining({ table: 'fact_payment', extracted: payments?.n, loaded: payments?.n }),
    );
    expect(await staged.json('verify')).toMatchObject({ code: 0, ok: true, complete: true });
    for (const list of ['quarantine', 'waiting'])
      expect(await staged.json(list)).toMatchObject({ code: 0, ok: true });
    expect(await staged.command('sql select(1)')).toMatchObject({ code: 0 });
  });

  it('include a run that ends with what has failed and the commands for this stage', async () => {
    await use(OperatedStack.startLoaded());
    await stack.source(`update currency set currency_code = 'BAD' where currency_id = 1`);
    await stack.warehouse(`alter table dim_currency add constraint poison check (currency_code <> 'BAD')`);
    const { code, text } = await staged.command('run');
    expect(code).toBe(1);
    expect(text).toContain('npx starlift redrive --table dim_currency --queue load --stage embedded\n');
    const status = await staged.json<Status>('status');
    expect(status).toMatchObject({ code: 1, troubles: [{ kind: 'failed', table: 'dim_currency' }] });
    // CloudWatch knows nothing of the queue.
    expect(status.queues).toContainEqual(
      expect.objectContaining({ queue: 'load', deadLetters: 1, oldestDeadLetterSeconds: null }),
    );
    await stack.warehouse('alter table dim_currency drop constraint poison');
    expect((await staged.command('redrive')).text).toMatch(/\nThe stage takes them at once\.\n$/);
    expect(await staged.json('run')).toMatchObject({ code: 0, ok: true });
  });

  it("put a database's secret without showing any of it", async () => {
    await use(OperatedStack.startLoaded());
    const url = 'postgres://loader:s3cr%40t@db.example/warehouse';
    const output = new PassThrough();
    await putSecret(
      stage,
      'warehouse',
      { readUrl: async () => url },
      makeTerminal(output, output, false),
      async () => totesys,
    );
    const told = String(output.read());
    expect(told).toContain('loader at db.example:5432/warehouse, verify-full.');
    expect(told).not.toMatch(/s3cr/);
    const { SecretString = '' } = await new SecretsManagerClient().send(
      new GetSecretValueCommand({ SecretId: secretIds.warehouse }),
    );
    expect(JSON.parse(SecretString)).toEqual({
      engine: 'postgres',
      host: 'db.example',
      port: 5432,
      dbname: 'warehouse',
      username: 'loader',
      password: 's3cr@t',
      sslmode: 'verify-full',
    });
  });

  it('say in one line that the warehouse is out of reach, before a run begins', async () => {
    await use(OperatedStack.startLoaded());
    const nobody = 'postgres://loader:s3cret@127.0.0.1:1/warehouse?sslmode=disable';
    const output = new PassThrough();
    await putSecret(
      stage,
      'warehouse',
      { readUrl: async () => nobody },
      makeTerminal(output, output, true),
      async () => totesys,
    );
    staged.plan = () => Promise.reject(new Error('nobody asked for a plan'));
    await expect(staged.command('run')).rejects.toMatchObject({
      exitCode: 2,
      message:
        "the warehouse at 127.0.0.1:1 cannot be reached (ECONNREFUSED); where only the stage reaches it, open a tunnel and add --via HOST:PORT. A run can be followed only from where the warehouse can be reached; the stage's schedule goes on regardless",
    });
  });

  it('reach databases in a private network by tunnels, and name those in the commands that they print', async () => {
    await use(OperatedStack.startLoaded());
    // The functions here have no such network of their own. A run asks for a plan once it is connected.
    staged.plan = () => Promise.reject(new Error('a plan was asked for'));
    const output = new PassThrough();
    const nearEnds: string[] = [];
    const tunnels: TcpProxy[] = [];
    try {
      for (const [side, url] of [
        ['warehouse', new URL(stack.warehouseUrl)],
        ['source', new URL(stack.sourceUrl)],
      ] as const) {
        const tunnel = await startTcpProxy(Number(url.port));
        tunnels.push(tunnel);
        nearEnds.push(`127.0.0.1:${tunnel.port}`);
        url.host = 'db.vpc.example:5432';
        url.password ||= 'none';
        url.search = 'sslmode=disable';
        const terminal = makeTerminal(output, output, true);
        await putSecret(stage, side, { readUrl: async () => url.href }, terminal, async () => totesys);
      }
      const [via, viaSource] = [`--via ${nearEnds[0]}`, `--via-source ${nearEnds[1]}`];
      const both = `${via} ${viaSource}`;
      expect(await staged.json(`verify ${both}`)).toMatchObject({ code: 0, ok: true, complete: true });
      expect(await staged.json<Status>(`status ${both}`)).toMatchObject({ code: 0, troubles: [] });
      expect(await staged.json(`trace fact_payment 1 ${both}`)).toMatchObject({ code: 0 });
      await expect(staged.command(`run ${via}`)).rejects.toThrow(/a plan was asked for/);
      expect(await staged.command(`sql ${viaSource} --source select(1)`)).toMatchObject({ code: 0 });
      // Only the tunnel leads there, and each is asked for by its own option.
      await expect(staged.command(`verify ${via}`)).rejects.toThrow(
        /^the source at db\.vpc\.example:5432 cannot be reached .*; where only the stage reaches it, open a tunnel and add --via-source HOST:PORT$/,
      );
      await stack.warehouse('truncate dim_staff cascade');
      const { code, text } = await staged.command(`status ${both}`);
      expect(code).toBe(1);
      expect(text).toMatch(new RegExp(`npx starlift rebuild [\\w ]+ --stage embedded ${both}\n`));
    } finally {
      for (const tunnel of tunnels) await tunnel.close();
    }
  });

  it('include a status by what the stage has seen of a warehouse that is out of reach from here', async () => {
    await use(OperatedStack.startLoaded());
    await stack.plan();
    const reached = await staged.json<Status>('status');
    expect(reached).toMatchObject({ code: 0, troubles: [] });
    const nobody = 'postgres://loader:s3cret@127.0.0.1:1/warehouse?sslmode=disable';
    const output = new PassThrough();
    for (const side of ['source', 'warehouse'] as const)
      await putSecret(
        stage,
        side,
        { readUrl: async () => nobody },
        makeTerminal(output, output, true),
        async () => totesys,
      );
    const unseen = await staged.json<Status>('status');
    expect(unseen.code).toBe(1);
    expect(unseen.troubles.map(({ text }) => text)).toEqual([
      expect.stringMatching(/^the warehouse does not answer: .* cannot be reached/),
    ]);
    const written = (at: Date) =>
      writeWarehouseEvidence(stack.site.ingested, {
        at: at.toISOString(),
        gap: null,
        lock: null,
        tables: reached.tables.map(
          ({ table, rows, versions, objects, loadedAt, run, snapshotAt, waiting }) => ({
            table,
            rows,
            versions,
            objects,
            loadedAt,
            waiting,
            asOf: snapshotAt,
            firstRun: run,
            lastRun: run,
            count: null,
          }),
        ),
      });
    await written(new Date());
    const seen = await staged.json<Status>('status');
    expect(seen).toMatchObject({ code: 0, troubles: [] });
    expect(seen.tables.map(({ table, snapshotAt }) => [table, snapshotAt])).toEqual(
      reached.tables.map(({ table, snapshotAt }) => [table, snapshotAt]),
    );
    await written(new Date(Date.now() - 10 * 60_000));
    expect((await staged.json<Status>('status')).code).toBe(1);
  });

  it('name a stage that is incomplete or does not exist', async () => {
    await use(OperatedStack.startLoaded());
    delete staged.stacks['starlift-loading-embedded'];
    await expect(staged.command('failures')).rejects.toMatchObject({
      exitCode: 2,
      message:
        'the stage embedded in eu-west-2 is incomplete: there is no stack starlift-loading-embedded. npx starlift deploy --stage embedded makes it whole, npx starlift remove --stage embedded takes the rest away',
    });
    for (const name of Object.keys(staged.stacks)) delete staged.stacks[name];
    await expect(staged.command('verify')).rejects.toMatchObject({
      exitCode: 2,
      message:
        'there is no stage embedded in eu-west-2: choose another region with --region, or create the stage with npx starlift deploy --stage embedded',
    });
  });
});

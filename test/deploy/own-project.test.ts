import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EventBridgeClient, ListRulesCommand } from '@aws-sdk/client-eventbridge';
import {
  InvokeCommand,
  ListEventSourceMappingsCommand,
  PutFunctionConcurrencyCommand,
  UpdateEventSourceMappingCommand,
} from '@aws-sdk/client-lambda';
import { PutBucketNotificationConfigurationCommand, S3Client } from '@aws-sdk/client-s3';
import { type Message, ReceiveMessageCommand, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Status } from '../../cli/status/status.ts';
import type { QueueKind } from '../../shared/queue/queue-settings.ts';
import type { ForgottenRow } from '../../shared/records/forgotten.ts';
import { lastJson } from '../helpers/processes/starlift.ts';
import { type Deployment, expectDone, startDeployment } from './deployment.ts';
import { actAs } from './granted-user.ts';
import { type InstalledProject, installProject } from './installed-project.ts';
import { listLeft } from './left-behind.ts';
import { region } from './ministack.ts';
import { readVersions } from './object-versions.ts';
import { waitUntil } from './wait-until.ts';

const stage = 'library';
const noDeadLetters = { extract: 0, transform: 0, load: 0 };
/** How many messages are on each of two queues while the model changes. */
const queued = 500;

const library = `
  create table author (author_id int primary key, name text not null, country text);
  create table book (book_id int primary key, author_id int not null references author, title text not null);
  create table reader (reader_id int primary key, email text not null, city text);
  create table loan (loan_id int primary key, book_id int not null references book,
    reader_id int not null references reader, lent_at timestamptz not null, fine numeric(6, 2) not null);
  insert into author select n, 'author ' || n, 'country ' || n % 5 from generate_series(1, 20) n;
  insert into book select n, 1 + n % 20, 'book ' || n from generate_series(1, 200) n;
  insert into reader select n, 'reader' || n || '@example.com', 'city ' || n % 7 from generate_series(1, 100) n;
  insert into loan select n, 1 + n % 200, 1 + n % 100, '2026-01-01T12:00:00Z'::timestamptz + n * interval '1 hour', n % 10 + 0.25
    from generate_series(1, 2000) n`;

let deployment: Deployment;
let project: InstalledProject;
/** The environment of who has the rights of docs/policies/deployer.json. */
let deployer: Record<string, string>;
/** The same of docs/policies/reader.json. */
let reader: Record<string, string>;

beforeAll(async () => {
  deployment = await startDeployment(stage, ({ admin }) => admin.query(library));
  const { aws, source } = deployment;
  project = await installProject(aws.environment);
  deployer = await actAs(aws, 'deployer');
  reader = await actAs(aws, 'reader');
  expectDone(
    await project.starlift('init', { environment: { ...aws.environment, SOURCE_URL: source.guardedUrl() } }),
  );
});

afterAll(async () => {
  await deployment?.stop();
  await project?.remove();
});

const json = async <T>(args: string) => {
  const result = await project.starlift(`${args} --stage ${stage} --json`);
  return { ...lastJson<T>(result), code: result.code };
};
const path = (name: string) => join(project.folder, name);

describe('a stage deployed from a project of the user’s own, by the installed package', () => {
  it('names the line of a parameter that cannot be, before anything is made', async () => {
    const kept = await readFile(path('starlift.yml'), 'utf8');
    await appendFile(path('starlift.yml'), `stages:\n  default:\n    loaders: one\n`);
    const refused = await project.starlift(`deploy --stage ${stage}`, { environment: deployer });
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(
        /starlift\.yml line \d+: stages\.default\.loaders has to be a whole number/,
      ),
    });
    expect(await listLeft(deployment.aws)).toEqual({ stacks: [], buckets: [], queues: [], functions: [] });
    await writeFile(path('starlift.yml'), kept);
  });

  it('is deployed by one command with its parameters, and loads what is in the source', async () => {
    await appendFile(
      path('starlift.yml'),
      `stages:
  default: { caCertificates: "\${NODE_EXTRA_CA_CERTS}", loaders: 2 }
  ${stage}: { extractors: 3, sweepSchedule: rate(1 hour) }
`,
    );
    const deployed = await project.starlift(`deploy --stage ${stage}`, { environment: deployer });
    expectDone(deployed);
    expect(deployed.stderr).toMatch(/published model 1 \(\S+ of .*, [0-9a-f]{12}\)/);
    expect(deployed.stdout).toContain(`npx starlift secrets put source --stage ${stage}`);
    const { source, warehouse } = deployment;
    for (const [what, { guardedUrl }] of Object.entries({ source, warehouse })) {
      expectDone(
        await project.starlift(`secrets put ${what} --stage ${stage}`, {
          environment: deployer,
          input: `${guardedUrl()}\n`,
        }),
      );
    }
    expect(await concurrencyOf('extract')).toBe(3);
    expect(await concurrencyOf('load')).toBe(2);
    expect(await json('run')).toMatchObject({ code: 0, ok: true });
    expect(await json('verify')).toMatchObject({ code: 0, ok: true, complete: true });
    expect(await json('status')).toMatchObject({ code: 0, ok: true, troubles: [] });
    const { rows } = await warehouse.admin.query(
      'select count(*)::int as loans, sum(fine)::text as fines from fact_loan_current',
    );
    expect(rows).toEqual([{ loans: 2000, fines: '9500.00' }]);
  });

  it('is looked at by who may only read, and refuses the rest', async () => {
    for (const args of [
      'status',
      'failures',
      'verify',
      'runs',
      'quarantine',
      'waiting',
      'trace fact_loan 7',
    ]) {
      expectDone(await project.starlift(`${args} --stage ${stage}`, { environment: reader }));
    }
    for (const args of ['run', 'pause', 'deploy', 'resync --all']) {
      const refused = await project.starlift(`${args} --stage ${stage}`, { environment: reader });
      expect(refused.code).toBeGreaterThan(0);
      expect(refused.stdout + refused.stderr).toMatch(/not authorized|refuses the request|AccessDenied/i);
    }
    expect(await switches(deployment.aws)).toEqual({ schedules: ['ENABLED'], mappings: [true] });
  });

  it('takes another model while messages are queued, without a dead letter or a deploy', async () => {
    const { source, warehouse, deployed } = deployment;
    await setMapping('load', false);
    await source.admin.query(
      `update reader set city = 'moved' where reader_id <= 50; update loan set fine = fine + 1`,
    );
    await copyMessages('load');
    await setMapping('transform', false);
    await source.admin.query(`update reader set city = city || '!'; update book set title = title || '!'`);
    await copyMessages('transform');
    const file = path('tables/dim_book.yml');
    const before = await readFile(file, 'utf8');
    const after = before.replace(/^columns:\n/m, 'columns:\n  written_in: { from: author.country }\n');
    expect(after).not.toBe(before);
    await writeFile(file, after);
    expectDone(await project.starlift(`publish --stage ${stage}`, { environment: deployer }));
    for (const kind of ['transform', 'load'] as const) await setMapping(kind, true);
    expect(await json('run')).toMatchObject({ code: 0, ok: true });
    await waitUntil('the queues are empty', 280, async () => {
      const counts = (['extract', 'transform', 'load'] as const).map((kind) =>
        deployed.countMessages(deployed.queueUrl(kind)),
      );
      return (await Promise.all(counts)).every((count) => count === 0);
    });
    expect(await deployed.deadLetters()).toEqual(noDeadLetters);
    expect(await json('verify')).toMatchObject({ code: 0, ok: true, complete: true });
    await waitUntil('status finds nothing', 120, async () => (await json<Status>('status')).ok).catch(
      () => {},
    );
    expect(await json('status')).toMatchObject({ code: 0, ok: true, troubles: [] });
    const { rows } = await warehouse.admin.query(
      `select count(*)::int as books, count(*) filter (where title like '%!')::int as changed, count(distinct written_in)::int as countries from dim_book_current`,
    );
    expect(rows).toEqual([{ books: 200, changed: 200, countries: 5 }]);
  });

  it('forgets a row, also in old versions of objects, by who has the rights for it', async () => {
    const { source, warehouse, aws } = deployment;
    const versions = () =>
      readVersions(aws, stage, { column: 'loan_id', ingestedTable: 'loan', processedTable: 'fact_loan' });
    await source.admin.query('delete from loan where loan_id = 7');
    const before = await versions();
    expect(before.ingested.filter(({ ids }) => ids.includes(7)).length).toBeGreaterThan(1);
    expect(before.processed.filter(({ ids }) => ids.includes(7)).length).toBeGreaterThan(1);
    const args = `forget --table fact_loan --key 7 --stage ${stage} --json`;
    // The stand-in for SQS counts exactly.
    const quickly = { FORGET_QUIET_SECONDS: '1' };
    const refused = await project.starlift(args, { environment: { ...reader, ...quickly } });
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/not authorized|refuses the request/),
    });
    const forgetter = await actAs(aws, 'reader', 'forgetter');
    const forgotten = await project.starlift(args, { environment: { ...forgetter, ...quickly } });
    expectDone(forgotten);
    const { removed } = lastJson<ForgottenRow>(forgotten);
    expect(removed.loaded).toBeGreaterThan(0);
    expect(removed.objects).toBeGreaterThan(1);
    expect(removed.oldVersions).toBeGreaterThan(1);
    const after = await versions();
    const all = [...after.ingested, ...after.processed];
    expect(all.filter(({ ids }) => ids.includes(7))).toEqual([]);
    expect(all.filter(({ ids }) => ids.includes(8)).length).toBeGreaterThan(1);
    const { rows } = await warehouse.admin.query('select from fact_loan where loan_id = 7');
    expect(rows).toEqual([]);
    expect(await json('run')).toMatchObject({ code: 0, ok: true });
    expect(await json('verify')).toMatchObject({ code: 0, ok: true, complete: true });
    await waitUntil('status finds nothing', 120, async () => (await json<Status>('status')).ok).catch(
      () => {},
    );
    expect(await json('status')).toMatchObject({ code: 0, ok: true, troubles: [] });
  });

  it('pauses, and goes on as it was deployed', async () => {
    const { deployed, source, aws } = deployment;
    expectDone(await project.starlift(`pause --stage ${stage}`, { environment: deployer }));
    expect(await switches(aws)).toEqual({ schedules: ['DISABLED'], mappings: [false] });
    expect(await json('status')).toMatchObject({ code: 1, troubles: [{ kind: 'paused' }] });
    const refused = await project.starlift(`run --stage ${stage}`);
    expect(refused).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is paused: npx starlift resume'),
    });
    await source.admin.query(`update loan set fine = 0 where loan_id = 1`);
    // As a removal leaves it that is interrupted.
    await deployed.lambda.send(
      new PutFunctionConcurrencyCommand({
        FunctionName: functionName('load'),
        ReservedConcurrentExecutions: 0,
      }),
    );
    const resumed = await project.starlift(`resume --stage ${stage}`, { environment: deployer });
    expect(resumed).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^The reserved concurrency of starlift-loading-library-load was not as deployed/,
      ),
    });
    expect(await switches(aws)).toEqual({ schedules: ['ENABLED'], mappings: [true] });
    expect(await json('run')).toMatchObject({ code: 0, ok: true });
    expect(await json('verify')).toMatchObject({ code: 0, ok: true, complete: true });
    await waitUntil('status finds nothing', 120, async () => (await json<Status>('status')).ok).catch(
      () => {},
    );
    expect(await json('status')).toMatchObject({ code: 0, ok: true, troubles: [] });
  });

  it('says what of it was stopped, and a deploy mends that', async () => {
    const { deployed, source, aws } = deployment;
    const s3 = new S3Client({ ...connectionTo(aws), forcePathStyle: true });
    const bucket = `starlift-${stage}-ingested-000000000000-${region}`;
    const stop = [
      deployed.lambda.send(
        new PutFunctionConcurrencyCommand({
          FunctionName: functionName('extract'),
          ReservedConcurrentExecutions: 0,
        }),
      ),
      s3.send(
        new PutBucketNotificationConfigurationCommand({ Bucket: bucket, NotificationConfiguration: {} }),
      ),
      setMapping('load', false),
    ];
    await Promise.all(stop);
    await source.admin.query(`update loan set fine = 1 where loan_id = 2`);
    const status = await json<Status>('status');
    expect({ code: status.code, stopped: status.troubles.find(({ kind }) => kind === 'stopped') }).toEqual({
      code: 1,
      stopped: expect.objectContaining({
        text: `the stage does not work as it was deployed: the function ${functionName('extract')} may not run; the messages of the queue starlift-${stage}-load are not taken; the bucket ${bucket} tells nobody of new objects`,
        command: `npx starlift resume --stage ${stage}`,
      }),
    });
    const mended = await project.starlift(`deploy --stage ${stage}`, { environment: deployer });
    expectDone(mended);
    expect(mended.stdout).toContain(
      `The reserved concurrency of ${functionName('extract')} was not as deployed, and is again.\n`,
    );
    expect(mended.stdout).toContain(`${bucket} told nobody of new objects, and does again`);
    expect(await json('run')).toMatchObject({ code: 0, ok: true });
    expect(await json('verify')).toMatchObject({ code: 0, ok: true, complete: true });
    await waitUntil('status finds nothing', 120, async () => (await json<Status>('status')).ok).catch(
      () => {},
    );
    expect(await json('status')).toMatchObject({ code: 0, ok: true, troubles: [] });
  });

  it('is removed by one command, which refuses while its buckets hold data', async () => {
    const refused = await project.starlift(`remove --stage ${stage}`, { environment: deployer });
    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('hold data: --delete-data') });
    expectDone(await project.starlift(`remove --stage ${stage} --delete-data`, { environment: deployer }));
    expect(await listLeft(deployment.aws)).toEqual({ stacks: [], buckets: [], queues: [], functions: [] });
  });
});

const connectionTo = ({ endpoint }: Deployment['aws']) => {
  return { endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
};

const functionName = (kind: QueueKind) =>
  `starlift-${{ extract: 'ingestion', transform: 'transformation', load: 'loading' }[kind]}-${stage}-${kind}`;

async function readMapping(kind: QueueKind) {
  const { EventSourceMappings } = await deployment.deployed.lambda.send(
    new ListEventSourceMappingsCommand({ FunctionName: functionName(kind) }),
  );
  return EventSourceMappings?.[0];
}

const concurrencyOf = async (kind: QueueKind) => (await readMapping(kind))?.ScalingConfig?.MaximumConcurrency;

async function setMapping(kind: QueueKind, Enabled: boolean): Promise<void> {
  const mapping = await readMapping(kind);
  await deployment.deployed.lambda.send(
    new UpdateEventSourceMappingCommand({ UUID: mapping?.UUID, Enabled }),
  );
}

/** The different states of all schedules, and of all mappings of queues. */
async function switches(aws: Deployment['aws']) {
  const events = new EventBridgeClient(connectionTo(aws));
  const { Rules = [] } = await events.send(new ListRulesCommand({}));
  const scheduled = Rules.filter(({ ScheduleExpression }) => ScheduleExpression !== undefined);
  const mappings = [];
  for (const kind of ['extract', 'transform', 'load'] as const)
    mappings.push((await readMapping(kind))?.State);
  return {
    schedules: [...new Set(scheduled.map(({ State }) => State))],
    mappings: [...new Set(mappings.map((state) => state?.startsWith('Enabl')))],
  };
}

/** Waits for the messages of a plan on a queue that nobody reads, and sends copies: SQS may deliver any message again. */
async function copyMessages(kind: QueueKind): Promise<void> {
  const { sqs, queueUrl, countMessages } = deployment.deployed;
  const QueueUrl = queueUrl(kind);
  const { deployed } = deployment;
  await deployed.lambda.send(
    new InvokeCommand({
      FunctionName: `starlift-ingestion-${stage}-plan`,
    }),
  );
  await waitUntil(
    `the messages of two tables are on ${kind}`,
    120,
    async () => (await countMessages(QueueUrl)) >= 2,
  );
  const seen: Message[] = [];
  await waitUntil(`they are read`, 60, async () => {
    const { Messages = [] } = await sqs.send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        MessageAttributeNames: ['All'],
        // They are back on the queue at once.
        VisibilityTimeout: 0,
      }),
    );
    seen.push(...Messages);
    return new Set(seen.map(({ Body }) => Body)).size >= 2;
  });
  const bodies = [...new Map(seen.map((message) => [message.Body, message])).values()];
  for (let sent = 0; sent < queued; sent += 10) {
    const Entries = Array.from({ length: 10 }, (_, index) => {
      const { Body, MessageAttributes } = bodies[(sent + index) % bodies.length] ?? {};
      return { Id: String(index), MessageBody: Body, MessageAttributes };
    });
    await sqs.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  }
  expect(await countMessages(QueueUrl)).toBeGreaterThanOrEqual(queued);
}

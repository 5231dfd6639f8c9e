import {
  ChangeMessageVisibilityCommand,
  PurgeQueueCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Cloud } from '../../../../cli/embedded/cloud/start-cloud.ts';
import { listFailures } from '../../../../cli/failures/list-failures.ts';
import { redrive } from '../../../../cli/failures/redrive.ts';
import type { Site } from '../../../../cli/site/site.ts';
import { receiveDeadLetters } from '../../../../cli/site/stage/stage-queues.ts';
import type { AwsClients } from '../../../../shared/aws-clients.ts';
import { formatObjectCreated } from '../../../../shared/queue/object-created.ts';
import { type QueueKind, queueKinds } from '../../../../shared/queue/queue-settings.ts';
import { type MovedLettersDeps, notifyMovedLetters } from '../../../../shared/sweep/notify-moved-letters.ts';
import { functionEnvironment } from '../../../helpers/network/function-environment.ts';
import { type IdleQueues, openIdleQueues } from './idle-queues.ts';

const run = '20240229T235959999Z00af';
const day = '2024/02/29';
const reason = 'its function died, or ran out of time, at every one of 10 receives';
const slice = {
  version: 1,
  run,
  slice: '0003',
  table: 'staff',
  generation: '1',
  identity: 'a',
  plannedXmax: '100',
};
const letters = {
  extract: { body: JSON.stringify(slice), table: 'staff', key: `failed/${run}-0003.json` },
  transform: letterAbout('ingested', 'staff', `staff/${day}/${run}-0003.ndjson.zst`),
  load: letterAbout('processed', 'dim_staff', `dim_staff/${day}/${run}-0003-r0.parquet`),
};

function letterAbout(bucket: string, table: string, key: string) {
  return { body: formatObjectCreated({ bucket, key }), table, key };
}

describe('a message that SQS itself has moved to the dead-letter queue', () => {
  let queues: IdleQueues;
  let cloud: Cloud;
  let clients: AwsClients;
  let site: Site;
  const deadLetterUrl = (kind: QueueKind) => site.deadLetterUrl(kind);

  beforeAll(async () => {
    queues = await openIdleQueues();
    ({ cloud, clients, site } = queues);
    Object.assign(process.env, {
      ...functionEnvironment(cloud),
      EXTRACT_QUEUE_URL: cloud.queueUrl('extract'),
      TRANSFORM_QUEUE_URL: cloud.queueUrl('transform'),
      SOURCE_SECRET_ID: 'source',
    });
  });
  beforeEach(() => queues.purge());
  afterAll(() => queues.stop());

  /** Receives what is on the queue, and dies of it, until the queue has had enough. */
  async function dieOf(kind: QueueKind): Promise<void> {
    const QueueUrl = cloud.queueUrl(kind);
    for (let receive = 1; receive <= 6; receive++) {
      const { Messages = [] } = await clients.sqs.send(new ReceiveMessageCommand({ QueueUrl }));
      expect(Messages).toHaveLength(receive <= 5 ? 1 : 0);
      for (const { ReceiptHandle } of Messages) {
        const VisibilityTimeout = 0;
        await clients.sqs.send(
          new ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle, VisibilityTimeout }),
        );
      }
    }
  }

  async function sendAndDie(kind: QueueKind, body: string): Promise<void> {
    await clients.sqs.send(new SendMessageCommand({ QueueUrl: cloud.queueUrl(kind), MessageBody: body }));
    await dieOf(kind);
  }

  const depsOf = (queue: QueueKind): MovedLettersDeps & { told: unknown[] } => {
    const told: unknown[] = [];
    return {
      sqs: clients.sqs,
      queue,
      deadLetterUrl: deadLetterUrl(queue),
      told,
      notify: async ({ detail }) => void told.push(detail),
      now: () => new Date('2024-03-01T00:00:00Z'),
      receiveWaitSeconds: 0,
    };
  };

  it.each(queueKinds)('is reported once with its reason, on the %s queue', async (queue) => {
    const { body, table, key } = letters[queue];
    await sendAndDie(queue, body);
    const deps = depsOf(queue);
    expect(await notifyMovedLetters(deps)).toBe(1);
    expect(deps.told).toEqual([{ queue, table, key, error: 'FunctionDied', reason }]);
    expect(await notifyMovedLetters(deps)).toBe(0);
    expect(deps.told).toHaveLength(1);
    const [letter, ...others] = await site.listDeadLetters();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      queue,
      body,
      table,
      key,
      error: 'FunctionDied',
      reason,
      attempts: 10,
      isMoved: false,
      failedAt: '2024-03-01T00:00:00.000Z',
    });
    expect(await receiveDeadLetters(site)).toEqual([letter]);
  });

  it('is reported by the scheduled functions, and the record of a slice outlives its dead letter', async () => {
    for (const queue of ['extract', 'transform'] as const) await sendAndDie(queue, letters[queue].body);
    const before = cloud.events().length;
    for (const module of ['ingestion/sweep/handler', 'transformation/sweep/handler']) {
      const { handler } = (await import(`../../../../services/${module}.ts`)) as {
        handler: (event: unknown, context: unknown) => Promise<unknown>;
      };
      const context = { awsRequestId: 'r-1', functionName: 'sweep' };
      expect(await handler({}, context)).toMatchObject({ reported: 1 });
      expect(await handler({}, context)).toMatchObject({ reported: 0 });
    }
    const told = cloud.events().slice(before);
    expect(told.map(({ DetailType, Detail = '' }) => [DetailType, JSON.parse(Detail)])).toEqual(
      (['extract', 'transform'] as const).map((queue) => {
        const { table, key } = letters[queue];
        const detail = { stage: 'ci', queue, table, key, error: 'FunctionDied', reason, firstInHour: true };
        return ['Table Failed', { ...detail, summary: expect.any(String) }];
      }),
    );
    await clients.sqs.send(new PurgeQueueCommand({ QueueUrl: deadLetterUrl('extract') }));
    const expired = (await listFailures(site)).filter(({ isExpired }) => isExpired);
    expect(expired).toMatchObject([{ table: 'staff', queue: 'extract', reason, error: 'FunctionDied' }]);
    await site.ingested.delete(letters.extract.key);
  });

  it('is shown with the same reason before any sweep has found it', async () => {
    await sendAndDie('load', letters.load.body);
    expect(await listFailures(site)).toMatchObject([
      { table: 'dim_staff', error: 'FunctionDied', reason, attempts: 10, isMoved: true },
    ]);
  });

  it('is reported again when its function dies once more after a redrive', async () => {
    await sendAndDie('load', letters.load.body);
    const deps = depsOf('load');
    await notifyMovedLetters(deps);
    expect(await redrive(site, {})).toMatchObject([{ outcome: 'sent' }]);
    await dieOf('load');
    expect(await notifyMovedLetters(deps)).toBe(1);
    expect(deps.told).toHaveLength(2);
  });

  it('is recognised by the queue that SQS names when it carries the reason of an earlier failure', async () => {
    const stale = { error: 'TerminalError', reason: 'no such table', failedAt: '2024-02-29T00:00:00Z' };
    await clients.sqs.send(
      new SendMessageCommand({
        QueueUrl: deadLetterUrl('load'),
        MessageBody: letters.load.body,
        MessageAttributes: Object.fromEntries(
          Object.entries(stale).map(([name, text]) => [name, { DataType: 'String', StringValue: text }]),
        ),
      }),
    );
    const deps = depsOf('load');
    expect(await notifyMovedLetters(deps)).toBe(0);
    let received = 0;
    const onAws = async (command: ReceiveMessageCommand) => {
      const answer = await clients.sqs.send(command);
      if (!(command instanceof ReceiveMessageCommand) || received++ > 0) return answer;
      const [message] = answer.Messages ?? [];
      if (message?.Attributes !== undefined)
        message.Attributes.DeadLetterQueueSourceArn = 'arn:aws:sqs:x:0:load';
      return answer;
    };
    expect(await notifyMovedLetters({ ...deps, sqs: { send: onAws } as never })).toBe(1);
    expect(await listFailures(site)).toMatchObject([{ error: 'FunctionDied', reason }]);
  });

  it('stays a dead letter while it cannot be reported', async () => {
    await sendAndDie('load', letters.load.body);
    const deps = depsOf('load');
    const failing = { ...deps, notify: () => Promise.reject(new Error('no event bus')) };
    await expect(notifyMovedLetters(failing)).rejects.toThrow('no event bus');
    expect(await notifyMovedLetters(deps)).toBe(1);
    expect(await listFailures(site)).toHaveLength(1);
  });

  it('is shown with where to find the reason when its body leaves no room for one', async () => {
    const body = `{"x":"${'x'.repeat(256 * 1024 - 8)}"}`;
    await sendAndDie('load', body);
    const deps = depsOf('load');
    // Where SQS names no queue it cannot be told from one that its function could give no reason to.
    expect(await notifyMovedLetters(deps)).toBe(0);
    expect(await listFailures(site)).toMatchObject([{ reason: expect.stringMatching(/no room/) }]);
  });
});

import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Cloud } from '../../../../cli/embedded/cloud/start-cloud.ts';
import { listFailures } from '../../../../cli/failures/list-failures.ts';
import { redrive } from '../../../../cli/failures/redrive.ts';
import { inspectDeadLetters, inspectQueue } from '../../../../cli/site/embedded/embedded-queues.ts';
import type { Site } from '../../../../cli/site/site.ts';
import { receiveDeadLetters } from '../../../../cli/site/stage/stage-queues.ts';
import type { AwsClients } from '../../../../shared/aws-clients.ts';
import type { QueueKind } from '../../../../shared/queue/queue-settings.ts';
import { type IdleQueues, openIdleQueues } from './idle-queues.ts';

describe('dead letters of queues that nobody empties', () => {
  let queues: IdleQueues;
  let cloud: Cloud;
  let clients: AwsClients;
  let site: Site;

  beforeAll(async () => {
    queues = await openIdleQueues();
    ({ cloud, clients } = queues);
    // As on AWS, where nobody can look into a queue: by receiving and giving back.
    site = { ...queues.site, listDeadLetters: () => receiveDeadLetters(site) };
  });
  beforeEach(async () => {
    await queues.purge();
    await site.ingested.delete(recordKey);
  });
  afterAll(() => queues.stop());

  const recordKey = 'failed/20260101T000000000Zabcd-0003.json';
  const extractBody = JSON.stringify({ run: '20260101T000000000Zabcd', slice: '0003', table: 'staff' });

  async function bury(kind: QueueKind, body: string, attributes: Record<string, string>): Promise<string> {
    const entries = Object.entries(attributes).map(([name, text]) => [
      ...[name, { DataType: 'String', StringValue: text }],
    ]);
    const { MessageId } = await clients.sqs.send(
      new SendMessageCommand({
        QueueUrl: site.deadLetterUrl(kind),
        MessageBody: body,
        MessageAttributes: Object.fromEntries(entries),
      }),
    );
    return MessageId ?? '';
  }

  const waitingOn = async (kind: QueueKind) =>
    (await inspectQueue(cloud.endpoint, site.queueUrl(kind))).map(({ body, attributes }) => ({
      body,
      ...attributes,
    }));

  it('are listed alike by receiving and by inspection, and can be received again at once', async () => {
    for (let number = 10; number < 34; number++) {
      await bury('load', `message ${number}`, {
        error: 'TerminalError',
        reason: 'no such table',
        table: 'dim_staff',
        key: `key ${number}`,
        failedAt: `2026-01-01T00:00:${number}.000Z`,
        attempts: '2',
      });
    }
    await bury('extract', extractBody, {});
    const inspected = await inspectDeadLetters(cloud.endpoint, site.deadLetterUrl);
    expect(inspected).toHaveLength(25);
    expect(await site.listDeadLetters()).toEqual(inspected);
    expect(await site.listDeadLetters()).toEqual(inspected);
    expect(inspected[0]).toMatchObject({
      queue: 'load',
      body: 'message 10',
      table: 'dim_staff',
      key: 'key 10',
      attempts: 2,
      error: 'TerminalError',
      reason: 'no such table',
      failedAt: '2026-01-01T00:00:10.000Z',
    });
    expect(inspected.at(-1)).toMatchObject({
      queue: 'extract',
      table: 'staff',
      error: 'FunctionDied',
      attempts: 10,
      reason: 'its function died, or ran out of time, at every one of 10 receives',
    });
  });

  it('go back with their attributes and the time of their failure, while the others stay and can be received', async () => {
    await bury('load', 'one', {
      table: 'dim_staff',
      error: 'TerminalError',
      reason: 'a',
      failedAt: '2026-01-01T00:00:00Z',
      replay: 'r1',
    });
    await bury('load', 'two', {
      table: 'dim_design',
      error: 'TerminalError',
      reason: 'b',
      failedAt: '2026-01-01T00:00:01Z',
    });
    const redriven = await redrive(site, { tables: { sources: ['staff'], tables: ['dim_staff'] } });
    expect(redriven.map(({ table, outcome }) => [table, outcome])).toEqual([['dim_staff', 'sent']]);
    expect(await waitingOn('load')).toEqual([
      { body: 'one', failedAt: '2026-01-01T00:00:00Z', replay: 'r1' },
    ]);
    expect((await listFailures(site)).map(({ body }) => body)).toEqual(['two']);
    expect((await redrive(site, {})).map(({ outcome }) => outcome)).toEqual(['sent']);
    expect(await redrive(site, {})).toEqual([]);
    expect((await waitingOn('load')).map(({ body }) => body)).toEqual(['one', 'two']);
  });

  it('begin anew where SQS itself has moved them, with the attempts of their copies counted in their attributes', async () => {
    const moves: string[] = [];
    const movingService = {
      ...site,
      sqs: {
        send: (command: SendMessageCommand) => {
          if (command.constructor.name === 'StartMessageMoveTaskCommand') {
            moves.push('moved as they are');
            return Promise.resolve({});
          }
          return clients.sqs.send(command);
        },
      } as unknown as Site['sqs'],
    };
    await bury('extract', extractBody, {
      breaks: '4',
      waitingSince: '2026-01-01T00:00:00.000Z',
      replay: 'r1',
    });
    expect((await redrive(movingService, {})).map(({ outcome }) => outcome)).toEqual(['sent']);
    expect(moves).toEqual([]);
    expect(await waitingOn('extract')).toEqual([{ body: extractBody, replay: 'r1' }]);
  });

  it('that another reader holds are reported as not received', async () => {
    await bury('load', 'held', { table: 'dim_staff', error: 'TerminalError', reason: 'a' });
    const inspecting = {
      ...site,
      listDeadLetters: () => inspectDeadLetters(cloud.endpoint, site.deadLetterUrl),
    };
    await clients.sqs.send(
      new ReceiveMessageCommand({ QueueUrl: site.deadLetterUrl('load'), VisibilityTimeout: 600 }),
    );
    expect((await redrive(inspecting, {})).map(({ outcome }) => outcome)).toEqual(['not received']);
    expect(await waitingOn('load')).toEqual([]);
  });

  it('of an extract that have expired are sent from their record, at most once in four days', async () => {
    const record = {
      table: 'staff',
      error: 'TerminalError',
      reason: 'permission denied',
      body: extractBody,
      failedAt: '2026-01-01T00:00:00.000Z',
    };
    await site.ingested.put(recordKey, Buffer.from(JSON.stringify(record)));
    const now = new Date('2026-01-20T00:00:00Z');
    expect(await listFailures(site, {}, now)).toMatchObject([
      { messageId: recordKey, table: 'staff', reason: 'permission denied', isExpired: true },
    ]);
    expect(await redrive(site, { messageId: recordKey }, { now })).toMatchObject([{ outcome: 'sent' }]);
    expect(await waitingOn('extract')).toEqual([{ body: extractBody, failedAt: record.failedAt }]);
    expect(await listFailures(site, {}, now)).toEqual([]);
    expect(await redrive(site, {}, { now })).toEqual([]);
    // The main queue keeps a message four days: what has not been heard of since is lost there too.
    expect(await listFailures(site, {}, new Date('2026-01-24T00:00:00Z'))).toHaveLength(1);
  });

  it('of an extract count as one failure with their record, which outlives the redrive', async () => {
    const record = { table: 'staff', error: 'TerminalError', reason: 'r', body: extractBody };
    await site.ingested.put(recordKey, Buffer.from(JSON.stringify({ ...record, failedAt: '2026-01-01' })));
    await bury('extract', extractBody, {
      table: 'staff',
      error: 'TerminalError',
      reason: 'r',
      failedAt: '2026-01-01',
    });
    expect(await listFailures(site)).toMatchObject([{ key: recordKey, isExpired: false }]);
    await redrive(site, {});
    expect(await listFailures(site)).toEqual([]);
    const kept = await site.ingested.get(recordKey);
    expect(JSON.parse(Buffer.from(kept?.body ?? []).toString())).toMatchObject({
      ...record,
      redrivenAt: expect.any(String),
    });
  });

  it('are not marked as redriven when their record says that they have failed once more', async () => {
    const record = { table: 'staff', error: 'TerminalError', reason: 'r', body: extractBody, failedAt: '1' };
    await site.ingested.put(recordKey, Buffer.from(JSON.stringify(record)));
    const failingAgain = {
      ...site,
      sqs: {
        send: async (command: SendMessageCommand) => {
          const sent = await clients.sqs.send(command);
          await site.ingested.put(recordKey, Buffer.from(JSON.stringify({ ...record, failedAt: '2' })));
          return sent;
        },
      } as unknown as Site['sqs'],
    };
    await redrive(failingAgain, { messageId: recordKey });
    expect(await listFailures(site)).toMatchObject([{ failedAt: '2', isExpired: true }]);
  });
});

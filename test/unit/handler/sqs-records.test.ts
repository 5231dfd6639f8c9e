import { describe, expect, it } from '@jest/globals';
import type { SQSRecord } from 'aws-lambda';
import { RefusedError, TerminalError, TransientError } from '../../../shared/errors.ts';
import { handleRecords } from '../../../shared/handler/sqs-records.ts';

const sentAt = Date.parse('2026-11-23T10:00:00Z');

const record = (messageId: string, body: string, receives = 1, breaks?: string) =>
  ({
    messageId,
    body,
    receiptHandle: `handle of ${messageId}`,
    attributes: { ApproximateReceiveCount: String(receives), SentTimestamp: String(sentAt) },
    messageAttributes: {
      replay: { stringValue: 'r1', dataType: 'String' },
      ...(breaks !== undefined && { breaks: { stringValue: breaks, dataType: 'String' } }),
    },
  }) as unknown as SQSRecord;

/** The last border before the wire: what was sent, by command name. */
function recordingQueue() {
  const sent: { name: string; input: Record<string, unknown> }[] = [];
  const send = async (command: { constructor: { name: string }; input: Record<string, unknown> }) => {
    sent.push({ name: command.constructor.name, input: command.input });
    return {};
  };
  return { sent, sqs: { send } as never };
}

describe('handleRecords', () => {
  it('lets one bad record take no neighbour along', async () => {
    const { sent, sqs } = recordingQueue();
    const handled: string[] = [];
    const handler = handleRecords(
      async ({ body }) => {
        if (body === 'terminal') throw new TerminalError('a column is gone', { table: 'staff' });
        if (body === 'transient') throw new TransientError('the server is starting');
        handled.push(body);
      },
      { sqs, queueUrl: 'http://q/extract' },
    );
    const bodies = ['good', 'terminal', 'transient', 'good too'];
    const Records = bodies.map((body, index) => record(String(index), body));
    expect(await handler({ Records }, {})).toEqual({ batchItemFailures: [] });
    expect(handled).toEqual(['good', 'good too']);
    expect(sent).toEqual([
      {
        name: 'SendMessageCommand',
        input: {
          QueueUrl: 'http://q/extract-dlq',
          MessageBody: 'terminal',
          MessageAttributes: expect.objectContaining({
            replay: { DataType: 'String', StringValue: 'r1' },
            error: { DataType: 'String', StringValue: 'TerminalError' },
            reason: { DataType: 'String', StringValue: 'a column is gone' },
            table: { DataType: 'String', StringValue: 'staff' },
            attempts: { DataType: 'String', StringValue: '1' },
          }),
        },
      },
      {
        name: 'SendMessageCommand',
        input: {
          QueueUrl: 'http://q/extract',
          MessageBody: 'transient',
          MessageAttributes: {
            replay: { DataType: 'String', StringValue: 'r1' },
            breaks: { DataType: 'String', StringValue: '1' },
            waitingSince: { DataType: 'String', StringValue: '2026-11-23T10:00:00.000Z' },
          },
          DelaySeconds: 2,
        },
      },
      {
        name: 'DeleteMessageCommand',
        input: { QueueUrl: 'http://q/extract', ReceiptHandle: 'handle of 2' },
      },
    ]);
  });

  it('tells of each failure and what became of it', async () => {
    const { sqs } = recordingQueue();
    const told: unknown[] = [];
    const handler = handleRecords(
      async () => {
        throw Object.assign(new Error('deadlock detected'), { code: '40P01', severity: 'ERROR' });
      },
      {
        sqs,
        queueUrl: 'q',
        onFailure: ({ verdict, reason }) => void told.push([verdict.action, reason.error, reason.reason]),
      },
    );
    await handler({ Records: [record('a', 'x', 1), record('b', 'x', 1, '4')] }, {});
    const reason = 'deadlock detected (SQLSTATE 40P01)';
    expect(told).toEqual([
      ['retry', 'TransientError', reason],
      ['dead-letter', 'TransientError', reason],
    ]);
  });

  it('keeps the neighbours of a record whose failure cannot be settled', async () => {
    const logged: string[] = [];
    const handled: string[] = [];
    const handler = handleRecords(
      async ({ body }) => {
        if (body === 'bad') throw new TerminalError('no use');
        handled.push(body);
      },
      {
        sqs: { send: async () => Promise.reject(new Error('SQS is away')) } as never,
        queueUrl: 'q',
        logger: { error: (...said: unknown[]) => void logged.push(String(said[0])) },
      },
    );
    const Records = ['bad', 'good'].map((body) => record(body, body));
    expect(await handler({ Records }, {})).toEqual({ batchItemFailures: [{ itemIdentifier: 'bad' }] });
    expect(handled).toEqual(['good']);
    expect(logged).toEqual(['a failed message could not be sent on: it is delivered again']);
  });

  it('tries no other record after a database has refused, and lets all of them wait', async () => {
    const { sent, sqs } = recordingQueue();
    const tried: string[] = [];
    const handler = handleRecords(
      async ({ body }) => {
        tried.push(body);
        throw new RefusedError('the server is starting', { by: 'warehouse' });
      },
      { sqs, queueUrl: 'q', now: () => new Date(sentAt) },
    );
    const Records = [record('a', 'first'), record('b', 'second'), record('c', 'third', 5)];
    expect(await handler({ Records }, {})).toEqual({
      batchItemFailures: [{ itemIdentifier: 'a' }, { itemIdentifier: 'b' }],
    });
    expect(tried).toEqual(['first']);
    expect(sent.map(({ name }) => name)).toEqual([
      'ChangeMessageVisibilityCommand',
      'ChangeMessageVisibilityCommand',
      'SendMessageCommand',
      'DeleteMessageCommand',
    ]);
  });

  it('tries the others after a lock has refused one', async () => {
    const { sqs } = recordingQueue();
    const tried: string[] = [];
    const handler = handleRecords(
      async ({ body }) => {
        tried.push(body);
        if (body === 'locked') throw new RefusedError('dim_staff is locked', { by: 'lock' });
      },
      { sqs, queueUrl: 'q' },
    );
    await handler({ Records: [record('a', 'locked'), record('b', 'free')] }, {});
    expect(tried).toEqual(['locked', 'free']);
  });
});

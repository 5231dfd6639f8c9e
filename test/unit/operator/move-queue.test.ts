import { GetQueueAttributesCommand, type SQSClient, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import { describe, expect, it } from '@jest/globals';
import { moveQueue } from '../../../cli/failures/redrive.ts';

/** SQS as it answers a move task, which no local service knows. */
function sqsThat(start: () => unknown) {
  const tasks: unknown[] = [];
  const send = async (command: unknown) => {
    if (command instanceof GetQueueAttributesCommand) {
      return { Attributes: { QueueArn: `arn:${command.input.QueueUrl}` } };
    }
    if (command instanceof StartMessageMoveTaskCommand) tasks.push(command.input);
    return start();
  };
  return { tasks, sqs: { send } as unknown as Pick<SQSClient, 'send'> };
}

const failing = (name: string) => () => {
  throw Object.assign(new Error(name), { name });
};

describe('a whole dead-letter queue', () => {
  it('is moved to the queue that is named, for SQS knows no origin of what a handler sent', async () => {
    const { tasks, sqs } = sqsThat(() => ({ TaskHandle: 't' }));
    expect(await moveQueue(sqs, 'load-dlq', 'load')).toBe(true);
    expect(tasks).toEqual([{ SourceArn: 'arn:load-dlq', DestinationArn: 'arn:load' }]);
  });

  it('is not moved where the service has no move tasks', async () => {
    for (const name of ['InvalidAction', 'UnsupportedOperation', 'UnknownOperationException']) {
      expect(await moveQueue(sqsThat(failing(name)).sqs, 'load-dlq', 'load')).toBe(false);
    }
  });

  it('fails by any other refusal', async () => {
    await expect(moveQueue(sqsThat(failing('AccessDenied')).sqs, 'load-dlq', 'load')).rejects.toThrow(
      'AccessDenied',
    );
  });
});

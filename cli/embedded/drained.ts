import { GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { queueKinds } from '../../shared/queue/queue-settings.ts';

/**
 * Says whether no work is left in the three queues.
 *
 * Work flows one way, a message is deleted only when what it leads to is on the next queue, and the embedded
 * queues count exactly. So one look at each, in the order of the flow, proves it: what was behind the look has
 * passed, nothing can come from before it.
 */
export async function isDrained(
  sqs: SQSClient,
  queueUrlOf: (kind: (typeof queueKinds)[number]) => string,
): Promise<boolean> {
  for (const kind of queueKinds) {
    if ((await countMessages(sqs, queueUrlOf(kind))) > 0) return false;
  }
  return true;
}

const counts = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

async function countMessages(sqs: SQSClient, queueUrl: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: [...counts] }),
  );
  return counts.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
}

import { GetQueueAttributesCommand, type SQSClient, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';

/** How a service without move tasks refuses one. */
const unknownToService = new Set([
  'AWS.SimpleQueueService.UnsupportedOperation',
  'InvalidAction',
  'NotImplemented',
  'UnknownOperationException',
  'UnsupportedOperation',
]);

/**
 * Has SQS move a whole dead-letter queue back, which it does by itself and at once.
 *
 * The destination is named: SQS knows where a message came from only if it moved it itself, and most dead letters
 * are sent by their handlers, for the reason to go along.
 *
 * @returns false where the service has no move tasks
 */
export async function moveQueue(
  sqs: Pick<SQSClient, 'send'>,
  fromUrl: string,
  toUrl: string,
): Promise<boolean> {
  const [SourceArn, DestinationArn] = await Promise.all([arnOf(sqs, fromUrl), arnOf(sqs, toUrl)]);
  try {
    await sqs.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn }));
    return true;
  } catch (error) {
    const { name } = error as { name?: unknown };
    if (typeof name === 'string' && unknownToService.has(name)) return false;
    throw error;
  }
}

async function arnOf(sqs: Pick<SQSClient, 'send'>, queueUrl: string): Promise<string> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['QueueArn'] }),
  );
  return Attributes?.QueueArn ?? '';
}

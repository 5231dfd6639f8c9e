import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { type FauxqsServer, startFauxqs } from 'fauxqs';

/** A queue with its dead-letter queue on a server of its own. */
export interface TestQueue {
  sqs: SQSClient;
  queueUrl: string;
  queueArn: string;
  deadLetterUrl: string;
  send(body: string, attributes?: Parameters<typeof makeSend>[2]): Promise<string>;
  /** Messages that are ready, and received but not deleted. */
  count(url?: string): Promise<{ ready: number; inFlight: number }>;
  close(): Promise<void>;
}

export async function startTestQueue(visibilitySeconds: number, maxReceiveCount = 5): Promise<TestQueue> {
  const server: FauxqsServer = await startFauxqs({ port: 0, logger: false });
  const sqs = new SQSClient({
    endpoint: `http://127.0.0.1:${server.port}`,
    region: 'eu-west-2',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  });
  const create = async (QueueName: string, Attributes: Record<string, string>) =>
    (await sqs.send(new CreateQueueCommand({ QueueName, Attributes }))).QueueUrl ?? '';
  const attribute = async (QueueUrl: string, name: 'QueueArn') => {
    const names = { QueueUrl, AttributeNames: [name] };
    return (await sqs.send(new GetQueueAttributesCommand(names))).Attributes?.[name] ?? '';
  };
  const deadLetterUrl = await create('work-dlq', {});
  const deadLetterTargetArn = await attribute(deadLetterUrl, 'QueueArn');
  const queueUrl = await create('work', {
    VisibilityTimeout: String(visibilitySeconds),
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn, maxReceiveCount }),
  });
  return {
    sqs,
    queueUrl,
    queueArn: await attribute(queueUrl, 'QueueArn'),
    deadLetterUrl,
    send: async (body, attributes) => (await sqs.send(makeSend(queueUrl, body, attributes))).MessageId ?? '',
    count: (url = queueUrl) => countMessages(sqs, url),
    close: async () => {
      sqs.destroy();
      await server.stop();
    },
  };
}

function makeSend(
  QueueUrl: string,
  MessageBody: string,
  MessageAttributes: SendMessageCommand['input']['MessageAttributes'] = {},
): SendMessageCommand {
  return new SendMessageCommand({ QueueUrl, MessageBody, MessageAttributes });
}

async function countMessages(sqs: SQSClient, QueueUrl: string): Promise<{ ready: number; inFlight: number }> {
  const AttributeNames = ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'] as const;
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...AttributeNames] }),
  );
  const [ready, inFlight] = AttributeNames.map((name) => Number(Attributes[name]));
  return { ready: ready ?? Number.NaN, inFlight: inFlight ?? Number.NaN };
}

/** Waits until the condition holds. @throws when it does not within 45 s */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 45_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within 45 s: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** After this many attempts that failed a message is a dead letter. A refusal does not count. */
export const maxAttempts = 5;

/**
 * A message that is refused at this receive is replaced by a copy. SQS itself moves it later, at `maxReceiveCount`: else a
 * copy that cannot be sent would cost the message.
 */
export const copyingReceive = 5;

/** After this many receives SQS moves a message to the dead-letter queue. The serverless.yml files say the same. */
export const maxReceiveCount = 10;

/** A main queue keeps a message for so long. The serverless.yml files say the same. */
export const mainRetentionSeconds = 4 * 24 * 3600;

export const queueKinds = ['extract', 'transform', 'load'] as const;
export type QueueKind = (typeof queueKinds)[number];

export const queueName = (stage: string, kind: QueueKind): string => `starlift-${stage}-${kind}`;
export const deadLetterQueueName = (name: string): string => `${name}-dlq`;

/** Visibility is six times the function's timeout, as AWS asks of an event source mapping. */
export const functionTimeoutSeconds: Record<QueueKind, number> = { extract: 300, transform: 120, load: 300 };
export const planTimeoutSeconds = 300;
export const sweepTimeoutSeconds = 300;
export const visibilitySeconds = (kind: QueueKind): number => 6 * functionTimeoutSeconds[kind];

/** Messages in one invocation. */
export const batchSize: Record<QueueKind, number> = { extract: 1, transform: 1, load: 1 };

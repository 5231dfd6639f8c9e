import type { Message, ReceiveMessageCommandInput } from '@aws-sdk/client-sqs';
import type { BuildAppOptions, buildApp } from 'fauxqs';

type Stores = NonNullable<BuildAppOptions['stores']>;
export type CloudServer = ReturnType<typeof buildApp>;
export type SnsStore = Stores['snsStore'];
export type SqsStore = Stores['sqsStore'];
export type SqsQueue = ReturnType<SqsStore['createQueue']>;
export type SqsMessage = Parameters<SqsQueue['enqueue']>[0];
export type PersistenceManager = NonNullable<SqsStore['persistence']>;
export type S3Store = Stores['s3Store'];
export type S3Object = ReturnType<S3Store['headObject']>;
export type S3Persistence = NonNullable<S3Store['persistence']>;
/** A message as ReceiveMessage gives it, with what every received message has. */
export type ReceivedMessage = Message & { MessageId: string; ReceiptHandle: string };
export interface S3Error extends Error {
  readonly code: string;
  toXml(): string;
}

// The package exports its entry only, and that entry listens on every interface of the machine and
// offers no place for conditional puts, notifications or files of our own. So its parts are loaded by
// their path beside the entry; package.json pins the exact version that these paths belong to.
const entry = import.meta.resolve('fauxqs');
const part = async (file: string): Promise<unknown> => import(new URL(file, entry).href);

export const { SqsStore } = (await part('sqs/sqsStore.js')) as {
  SqsStore: (new () => SqsStore) & { createMessage(body: string): SqsMessage };
};
export const { SnsStore } = (await part('sns/snsStore.js')) as { SnsStore: new () => SnsStore };
export const { computeChecksum } = (await part('s3/checksum.js')) as {
  computeChecksum(algorithm: NonNullable<S3Object['checksumAlgorithm']>, data: Buffer): string;
};
export const { S3Store } = (await part('s3/s3Store.js')) as { S3Store: new () => S3Store };
export const { PersistenceManager } = (await part('persistence.js')) as {
  PersistenceManager: new (dataDir: string) => PersistenceManager;
};
export const { S3Error } = (await part('common/errors.js')) as {
  S3Error: new (code: string, message: string, statusCode: number, resource?: string) => S3Error;
};
export const { receiveMessage } = (await part('sqs/actions/receiveMessage.js')) as {
  receiveMessage(
    request: ReceiveMessageCommandInput,
    store: SqsStore,
  ): Promise<{ Messages?: ReceivedMessage[] }>;
};
export const { escapeXml } = (await part('common/xml.js')) as { escapeXml(text: string): string };
export const { sqsQueueArn } = (await part('common/arnHelper.js')) as {
  sqsQueueArn(name: string, region: string): string;
};
export const { DEFAULT_ACCOUNT_ID: accountId, DEFAULT_REGION: region } = (await part('common/types.js')) as {
  DEFAULT_ACCOUNT_ID: string;
  DEFAULT_REGION: string;
};
export const { INVALID_MESSAGE_BODY_CHAR: invalidBodyCharacter } = (await part('sqs/sqsTypes.js')) as {
  INVALID_MESSAGE_BODY_CHAR: RegExp;
};

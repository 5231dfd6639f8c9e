import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { SNSClient } from '@aws-sdk/client-sns';
import { type AwsClients, makeAwsClients } from '../../shared/aws-clients.ts';

export type ServiceName = 'embedded' | 'localstack' | 'ministack';

export interface ContractClients extends AwsClients {
  sns: SNSClient;
  cloudWatch: CloudWatchClient;
}

export interface Connection {
  endpoint: string;
  region: string;
  credentials: { accessKeyId: string; secretAccessKey: string };
}

/** One of the three services that stand in for AWS. */
export interface Service {
  name: ServiceName;
  region: string;
  accountId: string;
  clients: ContractClients;
  /** Makes a bucket that tells a queue of its own of every new object whose key ends in `.parquet`. */
  makeNotifyingBucket(name: string): Promise<{ bucket: string; queueUrl: string }>;
  /** @returns the id by which it is read */
  makeSecret(name: string, value: string): Promise<string>;
  /**
   * Brings the queue's messages to a function that fails each message whose body is `bad`, in batches of 10 with
   * ReportBatchItemFailures, until the returned function is called.
   */
  mapQueue(queueUrl: string): Promise<() => Promise<void>>;
}

/** On a busy machine a service may load itself for long at its first call. One that is sent again would be two calls. */
const patience = { connectionTimeout: 60_000, socketTimeout: 60_000 };

export const makeContractClients = (connection: Connection): ContractClients => ({
  ...makeAwsClients({ forcePathStyle: true, connection, requestHandler: patience }),
  sns: new SNSClient(connection),
  cloudWatch: new CloudWatchClient(connection),
});

import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';

export interface AwsOptions {
  /** S3 at `endpoint/bucket` in place of `bucket.endpoint`: for endpoints without wildcard DNS. */
  forcePathStyle: boolean;
  /** Where the SDK is not to find endpoint, region and credentials in the environment by itself. */
  connection?: {
    endpoint: string;
    region: string;
    credentials: { accessKeyId: string; secretAccessKey: string };
  };
}

export interface AwsClients {
  s3: S3Client;
  sqs: SQSClient;
  secretsManager: SecretsManagerClient;
  eventBridge: EventBridgeClient;
}

export const makeAwsClients = ({ forcePathStyle, connection = undefined }: AwsOptions): AwsClients => ({
  s3: new S3Client({ ...connection, forcePathStyle }),
  sqs: new SQSClient({ ...connection }),
  secretsManager: new SecretsManagerClient({ ...connection }),
  eventBridge: new EventBridgeClient({ ...connection }),
});

const shared = new Map<string, AwsClients>();

/**
 * The clients of all handlers in a process, for the same endpoint the same: what one has looked up and connected, the
 * next one need not. In Lambda a process has one handler; on one machine it is 3 % of a run with 10,000 changed rows.
 */
export function shareAwsClients({
  forcePathStyle,
  awsEndpoint,
}: Pick<AwsOptions, 'forcePathStyle'> & { awsEndpoint: string | undefined }): AwsClients {
  const name = JSON.stringify([forcePathStyle, awsEndpoint]);
  const clients = shared.get(name) ?? makeAwsClients({ forcePathStyle });
  shared.set(name, clients);
  return clients;
}

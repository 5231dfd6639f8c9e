import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SQSClient } from '@aws-sdk/client-sqs';

/** What of the environment the clients need; AWS_ENDPOINT_URL and the credentials the SDK reads by itself. */
export interface AwsOptions {
  /** S3 at `endpoint/bucket` in place of `bucket.endpoint`: for endpoints without wildcard DNS. */
  forcePathStyle: boolean;
}

export interface AwsClients {
  s3: S3Client;
  sqs: SQSClient;
  secretsManager: SecretsManagerClient;
  eventBridge: EventBridgeClient;
}

export const makeAwsClients = ({ forcePathStyle }: AwsOptions): AwsClients => ({
  s3: new S3Client({ forcePathStyle }),
  sqs: new SQSClient({}),
  secretsManager: new SecretsManagerClient({}),
  eventBridge: new EventBridgeClient({}),
});

import { CreateBucketCommand, PutBucketNotificationConfigurationCommand } from '@aws-sdk/client-s3';
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager';
import { mapQueueOurselves } from './fail-bad.ts';
import { makeQueue, queueArn } from './queues.ts';
import { type Connection, makeContractClients, type Service, type ServiceName } from './service.ts';

const accountId = '000000000000';

/** A service in which all is made by AWS' own API. */
export function makeApiService(name: ServiceName, connection: Connection): Service {
  const clients = makeContractClients(connection);
  const service: Service = {
    name,
    clients,
    accountId,
    region: connection.region,
    makeNotifyingBucket: (bucketName) => makeNotifyingBucket(service, bucketName),
    makeSecret: async (Name, SecretString) => {
      await clients.secretsManager.send(new CreateSecretCommand({ Name, SecretString }));
      return Name;
    },
    mapQueue: (queueUrl) => mapQueueOurselves(clients, queueUrl),
  };
  return service;
}

async function makeNotifyingBucket(
  service: Service,
  name: string,
): Promise<{ bucket: string; queueUrl: string }> {
  const { s3 } = service.clients;
  const bucket = `contract-${name}`;
  const queueUrl = await makeQueue(service, `contract-${name}-events`);
  const region = service.region === 'us-east-1' ? undefined : service.region;
  await s3.send(
    new CreateBucketCommand({
      Bucket: bucket,
      ...(region !== undefined && {
        CreateBucketConfiguration: { LocationConstraint: region as 'eu-west-2' },
      }),
    }),
  );
  const FilterRules = [{ Name: 'suffix' as const, Value: '.parquet' }];
  const configuration = {
    QueueArn: queueArn(service, `contract-${name}-events`),
    Events: ['s3:ObjectCreated:*' as const],
    Filter: { Key: { FilterRules } },
  };
  await s3.send(
    new PutBucketNotificationConfigurationCommand({
      Bucket: bucket,
      NotificationConfiguration: { QueueConfigurations: [configuration] },
    }),
  );
  return { bucket, queueUrl };
}

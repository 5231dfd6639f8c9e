import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connectionTo, startCloud } from '../../cli/embedded/cloud/start-cloud.ts';
import type { StartedService } from './describe-contract.ts';
import { mapQueueOurselves } from './fail-bad.ts';
import { makeContractClients, type Service } from './service.ts';

// Which bucket tells which queue is said at the start, as the product knows its own.
const notifying = ['multipart', 'test-event', 'object-created', 'encoded-keys'];
const bucketOf = (name: string) => `contract-${name}`;
const queueOf = (name: string) => `contract-${name}-events`;

/** Starts the cloud of the one-machine stack. */
export async function startEmbeddedService(): Promise<StartedService> {
  const dataDir = await mkdtemp(join(tmpdir(), 'starlift-contract-'));
  const cloud = await startCloud({
    dataDir,
    secrets: {},
    buckets: notifying.map(bucketOf),
    queues: notifying.map((name) => ({ name: queueOf(name), visibilitySeconds: 30, maxReceiveCount: 5 })),
    notifications: notifying.map((name) => ({
      bucket: bucketOf(name),
      suffix: '.parquet',
      queue: queueOf(name),
    })),
  });
  const clients = makeContractClients(connectionTo(cloud.endpoint));
  const service: Service = {
    name: 'embedded',
    clients,
    region: cloud.region,
    accountId: '000000000000',
    makeNotifyingBucket: async (name) => ({
      bucket: bucketOf(name),
      queueUrl: cloud.queueUrl(queueOf(name)),
    }),
    makeSecret: async (name, value) => {
      cloud.putSecret(name, value);
      return name;
    },
    mapQueue: (queueUrl) => mapQueueOurselves(clients, queueUrl),
  };
  const stop = async () => {
    for (const client of Object.values(clients)) client.destroy();
    await cloud.stop();
    await rm(dataDir, { recursive: true, force: true });
  };
  return { service, stop };
}

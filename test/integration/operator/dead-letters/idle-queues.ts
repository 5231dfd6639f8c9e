import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PurgeQueueCommand } from '@aws-sdk/client-sqs';
import { type Cloud, connectionTo, startCloud } from '../../../../cli/embedded/cloud/start-cloud.ts';
import { inspectDeadLetters } from '../../../../cli/site/embedded/embedded-queues.ts';
import type { Site } from '../../../../cli/site/site.ts';
import { type AwsClients, makeAwsClients } from '../../../../shared/aws-clients.ts';
import { makeObjectStore } from '../../../../shared/object-store/object-store.ts';
import { queueKinds } from '../../../../shared/queue/queue-settings.ts';
import { publishModel } from '../../../../shared/records/published-model.ts';
import { totesys, totesysDefinition } from '../../../helpers/models/totesys.ts';

/** Both buckets and the three queues with their dead letters, that nobody empties, and an operator beside them. */
export interface IdleQueues {
  cloud: Cloud;
  clients: AwsClients;
  site: Site;
  /** Empties all queues. */
  purge(): Promise<void>;
  stop(): Promise<void>;
}

export async function openIdleQueues(): Promise<IdleQueues> {
  const dataDir = fs.mkdtempSync(join(tmpdir(), 'starlift-queues-'));
  const cloud = await startCloud({
    dataDir,
    buckets: ['ingested', 'processed'],
    notifications: [],
    secrets: {},
    queues: queueKinds.map((name) => ({ name, visibilitySeconds: 600, maxReceiveCount: 5 })),
  });
  const clients = makeAwsClients({ forcePathStyle: true, connection: connectionTo(cloud.endpoint) });
  const site = siteOf(cloud, clients);
  await publishModel(site.ingested, totesysDefinition);
  return {
    cloud,
    clients,
    site,
    purge: async () => {
      for (const QueueUrl of queueKinds.flatMap((kind) => [site.queueUrl(kind), site.deadLetterUrl(kind)]))
        await clients.sqs.send(new PurgeQueueCommand({ QueueUrl }));
    },
    stop: async () => {
      for (const client of Object.values(clients)) client.destroy();
      await cloud.stop();
      fs.rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function siteOf(cloud: Cloud, { sqs, s3 }: AwsClients): Site {
  const deadLetterUrl: Site['deadLetterUrl'] = (kind) => cloud.queueUrl(`${kind}-dlq`);
  return {
    model: totesys,
    sqs,
    ingested: makeObjectStore(s3, 'ingested'),
    processed: makeObjectStore(s3, 'processed'),
    queueUrl: (kind) => cloud.queueUrl(kind),
    deadLetterUrl,
    connectWarehouse: () => Promise.reject(new Error('no warehouse is needed here')),
    warehouseSchema: 'public',
    listDeadLetters: () => inspectDeadLetters(cloud.endpoint, deadLetterUrl),
    receiveWaitSeconds: 0,
    quietSeconds: 0,
    activity: { isRunning: true, pid: undefined, endedUnexpectedly: false, everySeconds: undefined },
    oldestSentAt: async () => undefined,
    selector: '',
    takenBy: '',
  };
}

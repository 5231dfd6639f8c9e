import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { PurgeQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startCloud } from '../../../../cli/embedded/cloud/start-cloud.ts';
import { formatRunId, type IngestedKey } from '../../../../shared/object-store/object-key.ts';
import { makeObjectStore } from '../../../../shared/object-store/object-store.ts';
import { publishModel } from '../../../../shared/records/published-model.ts';
import { totesysDefinition } from '../../../helpers/models/totesys.ts';
import { functionEnvironment } from '../../../helpers/network/function-environment.ts';
import { credentials, ingest, type Zones } from '../../../helpers/network/zones.ts';

export interface LossyZones extends Zones {
  emptyQueue(queue: string): Promise<void>;
  /** What the services' functions read. */
  environment(warehousePort: number): Record<string, string>;
}

/** Both zones and their queues, over real HTTP; every event of a bucket is lost. */
export async function openLossyZones(): Promise<LossyZones> {
  const dataDir = fs.mkdtempSync(join(tmpdir(), 'starlift-lossy-'));
  const queue = (name: string) => ({ name, visibilitySeconds: 30, maxReceiveCount: 5 });
  const cloud = await startCloud({
    dataDir,
    buckets: ['ingested', 'processed'],
    queues: [queue('transform'), queue('load')],
    notifications: [],
    secrets: {},
  });
  const { endpoint, region } = cloud;
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  const sqs = new SQSClient({ endpoint, region, credentials });
  const ingested = makeObjectStore(s3, 'ingested');
  await publishModel(ingested, totesysDefinition);
  return {
    cloud,
    s3,
    ingested,
    processed: makeObjectStore(s3, 'processed'),
    emptyQueue: async (name) => {
      await sqs.send(new PurgeQueueCommand({ QueueUrl: cloud.queueUrl(name) }));
    },
    environment: (port) => {
      const secret = { host: '127.0.0.1', port, dbname: 'warehouse', username: 'postgres', password: '' };
      cloud.putSecret('warehouse', JSON.stringify({ ...secret, sslmode: 'disable' }));
      return {
        ...functionEnvironment(cloud),
        WAREHOUSE_SECRET_ID: 'warehouse',
        TRANSFORM_QUEUE_URL: cloud.queueUrl('transform'),
        LOAD_QUEUE_URL: cloud.queueUrl('load'),
      };
    },
    stop: async () => {
      for (const client of [s3, sqs]) client.destroy();
      await cloud.stop();
      fs.rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Puts an ingested object of one currency, of a run of today. @returns its key */
export function ingestCurrency(
  zones: Zones,
  slice: number,
  id: number,
  key: IngestedKey = {
    zone: 'ingested',
    table: 'currency',
    slice: String(slice).padStart(4, '0'),
    run: formatRunId(new Date(), '00af'),
  },
): Promise<string> {
  const times = { created_at: '2022-11-03T14:20:52.187', last_updated: '2022-11-03T14:20:52.187' };
  return ingest(zones, key, [JSON.stringify({ currency_id: id, currency_code: 'GBP', ...times })]);
}

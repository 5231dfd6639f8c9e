import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { S3Client } from '@aws-sdk/client-s3';
import { type Cloud, startCloud } from '../../../cli/embedded/cloud/start-cloud.ts';
import { formatObjectKey, type IngestedKey } from '../../../shared/object-store/object-key.ts';
import { formatIngestedMetadata } from '../../../shared/object-store/object-metadata.ts';
import { makeObjectStore, type ObjectStore } from '../../../shared/object-store/object-store.ts';

export interface Zones {
  cloud: Cloud;
  s3: S3Client;
  ingested: ObjectStore;
  processed: ObjectStore;
  stop(): Promise<void>;
}

export const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
export const version = { generation: '3', xmax: '1042', xmin: '1040', tie: '-2' };

/** Both buckets and the transform queue, over real HTTP. */
export async function openZones(): Promise<Zones> {
  const dataDir = fs.mkdtempSync(join(tmpdir(), 'starlift-zones-'));
  const cloud = await startCloud({
    dataDir,
    buckets: ['ingested', 'processed'],
    queues: [{ name: 'transform', visibilitySeconds: 30, maxReceiveCount: 5 }],
    notifications: [{ bucket: 'ingested', suffix: '.ndjson.zst', queue: 'transform' }],
    secrets: {},
  });
  const { endpoint, region } = cloud;
  const s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
  return {
    cloud,
    s3,
    ingested: makeObjectStore(s3, 'ingested'),
    processed: makeObjectStore(s3, 'processed'),
    async stop() {
      s3.destroy();
      await cloud.stop();
      fs.rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

export const ingestedKey = (table: string, slice: string): IngestedKey => ({
  zone: 'ingested',
  table,
  run: '20240229T235959999Z00af',
  slice,
});

/** Puts lines as an extract does, and returns the object's key. */
export async function ingest(zones: Zones, key: IngestedKey, lines: readonly string[]): Promise<string> {
  const text = formatObjectKey(key);
  const body = zstdCompressSync(lines.map((line) => `${line}\n`).join(''));
  await zones.ingested.create(text, body, formatIngestedMetadata({ version, rows: lines.length }));
  return text;
}

/** A payment as it is extracted. */
export const paymentLine = (id: number, overrides: Record<string, unknown> = {}): string =>
  JSON.stringify({
    payment_id: id,
    transaction_id: id,
    counterparty_id: 15,
    payment_amount: 552548.62,
    currency_id: 2,
    payment_type_id: 3,
    paid: false,
    payment_date: '2022-11-04',
    company_ac_number: 67305075,
    counterparty_ac_number: 31622269,
    created_at: '2022-11-03T14:20:52.187',
    last_updated: '2022-11-05T14:20:52.187',
    ...overrides,
  });

export async function listKeys(store: ObjectStore): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('')) keys.push(key);
  return keys.sort();
}

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cloud, startCloud } from '../../../cli/embedded/cloud/start-cloud.ts';
import { makeNotify, type PipelineEvent } from '../../../shared/events.ts';
import { makeObjectStore, type ObjectStore } from '../../../shared/object-store/object-store.ts';
import { isFirstInHour } from '../../../shared/records/told.ts';

const denied = (slice: number, table = 'payment'): PipelineEvent => ({
  type: 'Table Failed',
  detail: {
    ...{ queue: 'extract', table, key: `failed/${slice}.json`, error: 'TerminalError' },
    reason: `permission denied for table ${table} in slice ${slice}`,
  },
});

describe('an operator', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'starlift-told-'));
  let cloud: Cloud;
  let ingested: ObjectStore;
  let eventBridge: EventBridgeClient;

  beforeAll(async () => {
    cloud = await startCloud({ dataDir, buckets: ['ingested'], queues: [], notifications: [], secrets: {} });
    const connection = {
      endpoint: cloud.endpoint,
      region: 'eu-west-2',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    };
    ingested = makeObjectStore(new S3Client({ ...connection, forcePathStyle: true }), 'ingested');
    eventBridge = new EventBridgeClient(connection);
  });
  afterAll(async () => {
    await cloud.stop();
    rmSync(dataDir, { recursive: true, force: true });
  });

  const mailed = (events: readonly { Detail?: string | undefined }[]) =>
    events
      .map(({ Detail }) => JSON.parse(Detail ?? '') as { firstInHour: boolean; summary: string })
      .filter(({ firstInHour }) => firstInHour)
      .map(({ summary }) => summary);

  it('gets one mail for a grant that is missing for 662 slices, which four functions read at once', async () => {
    const notify = makeNotify(eventBridge, 'dev', ingested);
    const before = cloud.events().length;
    const slices = Array.from({ length: 662 }, (_, slice) => slice);
    const readers = Array.from({ length: 4 }, async () => {
      for (let slice = slices.pop(); slice !== undefined; slice = slices.pop()) await notify(denied(slice));
    });
    await Promise.all(readers);
    await notify(denied(1, 'staff'));
    const events = cloud.events().slice(before);
    expect(events).toHaveLength(663);
    const summaries = mailed(events);
    expect(summaries).toHaveLength(2);
    expect(summaries[0]).toMatch(
      /^Starlift dev: payment failed in extract: permission denied for table payment/,
    );
    expect(summaries[1]).toMatch(/^Starlift dev: staff failed/);
  });

  it('is told again after an hour, by one of those who find it', async () => {
    const at = (minutes: number) => new Date(Date.parse('2026-11-30T10:00:00Z') + 60_000 * minutes);
    const cause = ['Rows Quarantined', 'dim_staff'];
    expect(await isFirstInHour(ingested, cause, at(0))).toBe(true);
    expect(await isFirstInHour(ingested, cause, at(59))).toBe(false);
    const both = await Promise.all([1, 2].map(() => isFirstInHour(ingested, cause, at(61))));
    expect(both.sort()).toEqual([false, true]);
    expect(await isFirstInHour(ingested, cause, at(90))).toBe(false);
  });

  it('is rather told too often where nobody knows', async () => {
    const unreachable = {
      get: async () => {
        throw new Error('S3 does not answer');
      },
      replace: async () => true,
    };
    expect(await isFirstInHour(unreachable, ['x'], new Date())).toBe(true);
  });
});

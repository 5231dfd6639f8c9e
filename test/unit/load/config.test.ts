import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../../../services/loading/config.ts';

const complete = {
  STAGE: 'dev',
  INGESTED_BUCKET: 'ingested',
  PROCESSED_BUCKET: 'processed',
  LOAD_QUEUE_URL: 'https://queue',
  TRANSFORM_QUEUE_URL: 'https://transform',
  WAREHOUSE_SECRET_ID: 'warehouse',
};

describe('the configuration of the load', () => {
  it('is public, declared and virtual-hosted where nothing else is said', () => {
    expect(readConfig(complete)).toEqual({
      stage: 'dev',
      ingestedBucket: 'ingested',
      processedBucket: 'processed',
      loadQueueUrl: 'https://queue',
      transformQueueUrl: 'https://transform',
      warehouseSecretId: 'warehouse',
      warehouseSchema: 'public',
      foreignKeys: 'declared',
      sslmode: 'verify-full',
      forcePathStyle: false,
      expireAfter: { others: undefined, tables: new Map() },
    });
  });

  it.each(Object.keys(complete))('stops the start by name without %s', (name) => {
    expect(() => readConfig({ ...complete, [name]: '' })).toThrow(
      `the environment variable ${name} is not set`,
    );
  });

  it('takes the schema, enforced keys and path style', () => {
    const chosen = {
      WAREHOUSE_SCHEMA: 'shop',
      WAREHOUSE_FOREIGN_KEYS: 'enforced',
      S3_FORCE_PATH_STYLE: 'true',
    };
    expect(readConfig({ ...complete, ...chosen })).toMatchObject({
      warehouseSchema: 'shop',
      foreignKeys: 'enforced',
      forcePathStyle: true,
    });
  });

  it("takes the plans' schedule", () => {
    expect(readConfig({ ...complete, PLAN_SCHEDULE: 'rate(5 minutes)' })).toMatchObject({
      planSchedule: { kind: 'rate', seconds: 300 },
    });
  });

  it('refuses foreign keys of a third kind', () => {
    expect(() => readConfig({ ...complete, WAREHOUSE_FOREIGN_KEYS: 'some' })).toThrow(
      /WAREHOUSE_FOREIGN_KEYS/,
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../../../services/ingestion/config.ts';

const environment = {
  STAGE: 'dev',
  INGESTED_BUCKET: 'zone',
  EXTRACT_QUEUE_URL: 'http://queue',
  SOURCE_SECRET_ID: 'secret',
};

describe('the configuration of the ingestion service', () => {
  it('has defaults for what need not be set', () => {
    expect(readConfig(environment)).toEqual({
      stage: 'dev',
      ingestedBucket: 'zone',
      extractQueueUrl: 'http://queue',
      sourceSecretId: 'secret',
      sourceRestart: 'identity',
      sourceSchema: 'public',
      sslmode: 'verify-full',
      forcePathStyle: false,
      quiet: {
        maxAgeSeconds: 3600,
        alwaysBytes: 16 * 2 ** 20,
        restFactor: 10,
        overlapSeconds: 60,
        summariesAgeSeconds: 0,
      },
      sizes: {},
    });
    const set = { ...environment, SOURCE_RESTART: 'trusted', S3_FORCE_PATH_STYLE: 'true' };
    expect(readConfig(set)).toMatchObject({ sourceRestart: 'trusted', forcePathStyle: true });
  });

  it.each(['STAGE', 'INGESTED_BUCKET', 'EXTRACT_QUEUE_URL', 'SOURCE_SECRET_ID'])(
    'names %s when it is missing',
    (name) => {
      expect(() => readConfig({ ...environment, [name]: '' })).toThrow(name);
    },
  );

  it('keeps a quarter of the freshness objective for the way to the warehouse', () => {
    expect(readConfig({ ...environment, FRESHNESS_SECONDS: '900', QUIET_ABOVE_MIB: '0' }).quiet).toEqual({
      maxAgeSeconds: 675,
      alwaysBytes: 0,
      restFactor: 10,
      overlapSeconds: 60,
      summariesAgeSeconds: 675,
    });
  });

  it('takes settings by which small tables are looked at as large ones are, and refuses others by name', () => {
    const withSettings = (text: string) => readConfig({ ...environment, LOOK_SETTINGS: text });
    expect(withSettings('{"probeMaxBytes":0,"restFactor":0.5}')).toMatchObject({
      sizes: { probeMaxBytes: 0 },
      quiet: { restFactor: 0.5, maxAgeSeconds: 3600 },
    });
    expect(() => withSettings('{"probeMaxByte":0,"restFactor":1}')).toThrow(/LOOK_SETTINGS.*probeMaxByte:/);
    expect(() => withSettings('{"restFactor":"1"}')).toThrow(/LOOK_SETTINGS.*restFactor/);
    expect(() => withSettings('[1')).toThrow(/LOOK_SETTINGS.*JSON object/);
  });

  it('names a variable that has none of its values', () => {
    expect(() => readConfig({ ...environment, SOURCE_RESTART: 'maybe' })).toThrow(/SOURCE_RESTART.*"maybe"/);
  });
});

import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../../../services/transformation/config.ts';

const environment = {
  STAGE: 'dev',
  INGESTED_BUCKET: 'in',
  PROCESSED_BUCKET: 'out',
  TRANSFORM_QUEUE_URL: 'http://q',
};

describe('readConfig', () => {
  it('reads all variables, and S3 at its own host names by default', () => {
    expect(readConfig(environment)).toEqual({
      stage: 'dev',
      ingestedBucket: 'in',
      processedBucket: 'out',
      transformQueueUrl: 'http://q',
      forcePathStyle: false,
    });
    expect(readConfig({ ...environment, S3_FORCE_PATH_STYLE: 'true' }).forcePathStyle).toBe(true);
  });

  it.each(Object.keys(environment))('names %s where it is missing or empty', (name) => {
    expect(() => readConfig({ ...environment, [name]: undefined })).toThrow(name);
    expect(() => readConfig({ ...environment, [name]: '' })).toThrow(name);
  });

  it('names S3_FORCE_PATH_STYLE where it is neither true nor false', () => {
    expect(() => readConfig({ ...environment, S3_FORCE_PATH_STYLE: 'yes' })).toThrow('S3_FORCE_PATH_STYLE');
  });
});

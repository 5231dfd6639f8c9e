import type { Cloud } from '../../../cli/embedded/cloud/start-cloud.ts';

/** What every function reads from its environment, with a cloud in the place of AWS and the zones' usual names. */
export const functionEnvironment = ({
  endpoint,
  region,
}: Pick<Cloud, 'endpoint' | 'region'>): Record<string, string> => ({
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  S3_FORCE_PATH_STYLE: 'true',
  POWERTOOLS_LOG_LEVEL: 'SILENT',
  STAGE: 'ci',
  INGESTED_BUCKET: 'ingested',
  PROCESSED_BUCKET: 'processed',
});

import { choiceVariable, requiredVariable } from '../../shared/environment.ts';
import { type SslMode, sslModes } from '../../shared/postgres/database-secret.ts';
import type { ForeignKeys } from '../../shared/warehouse/relation.ts';

export interface LoadConfig {
  /** The deployed stage's name, which events and metrics carry. */
  stage: string;
  /** Where the plans leave their records and take requests. */
  ingestedBucket: string;
  processedBucket: string;
  loadQueueUrl: string;
  warehouseSecretId: string;
  /** The schema of the star schema's tables. */
  warehouseSchema: string;
  foreignKeys: ForeignKeys;
  /** Of the database, where its secret says none. */
  sslmode: SslMode;
  forcePathStyle: boolean;
  /** Where it is not AWS' own; the SDK takes it by itself. */
  awsEndpoint: string | undefined;
}

/** @throws {TerminalError} a variable is missing or malformed; the message names it */
export function readConfig(environment: Record<string, string | undefined> = process.env): LoadConfig {
  return {
    stage: requiredVariable('STAGE', environment),
    ingestedBucket: requiredVariable('INGESTED_BUCKET', environment),
    processedBucket: requiredVariable('PROCESSED_BUCKET', environment),
    loadQueueUrl: requiredVariable('LOAD_QUEUE_URL', environment),
    warehouseSecretId: requiredVariable('WAREHOUSE_SECRET_ID', environment),
    warehouseSchema: environment.WAREHOUSE_SCHEMA || 'public',
    foreignKeys: choiceVariable('WAREHOUSE_FOREIGN_KEYS', ['declared', 'enforced'], environment),
    sslmode: choiceVariable('SSLMODE', sslModes, environment),
    forcePathStyle: choiceVariable('S3_FORCE_PATH_STYLE', ['false', 'true'], environment) === 'true',
    awsEndpoint: environment.AWS_ENDPOINT_URL,
  };
}

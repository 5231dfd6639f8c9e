import { choiceVariable, requiredVariable } from '../../shared/environment.ts';
import { type SslMode, sslModes } from '../../shared/postgres/database-secret.ts';
import { type SourceRestart, sourceRestarts } from './source/identity.ts';

export interface IngestionConfig {
  /** The deployed stage's name, which events and metrics carry. */
  stage: string;
  ingestedBucket: string;
  extractQueueUrl: string;
  sourceSecretId: string;
  sourceRestart: SourceRestart;
  /** Holds the source tables. */
  sourceSchema: string;
  /** For the database, where its secret names none. */
  sslmode: SslMode;
  forcePathStyle: boolean;
  /** Undefined for AWS itself; the SDK reads the variable on its own. */
  awsEndpoint: string | undefined;
}

/** @throws {TerminalError} a variable is missing or malformed; the message names it */
export function readConfig(environment: Record<string, string | undefined> = process.env): IngestionConfig {
  return {
    stage: requiredVariable('STAGE', environment),
    ingestedBucket: requiredVariable('INGESTED_BUCKET', environment),
    extractQueueUrl: requiredVariable('EXTRACT_QUEUE_URL', environment),
    sourceSecretId: requiredVariable('SOURCE_SECRET_ID', environment),
    sourceRestart: choiceVariable('SOURCE_RESTART', sourceRestarts, environment),
    sourceSchema: 'public',
    sslmode: choiceVariable('SSLMODE', sslModes, environment),
    forcePathStyle: choiceVariable('S3_FORCE_PATH_STYLE', ['false', 'true'], environment) === 'true',
    awsEndpoint: environment.AWS_ENDPOINT_URL,
  };
}

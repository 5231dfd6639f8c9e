import { choiceVariable, requiredVariable } from '../../shared/environment.ts';

export interface TransformationConfig {
  /** The deployed stage's name, which events and metrics carry. */
  stage: string;
  ingestedBucket: string;
  processedBucket: string;
  transformQueueUrl: string;
  forcePathStyle: boolean;
  /** Where it is not AWS' own; the SDK takes it by itself. */
  awsEndpoint: string | undefined;
}

/** @throws {TerminalError} a variable is missing or malformed; the message names it */
export function readConfig(
  environment: Record<string, string | undefined> = process.env,
): TransformationConfig {
  return {
    stage: requiredVariable('STAGE', environment),
    ingestedBucket: requiredVariable('INGESTED_BUCKET', environment),
    processedBucket: requiredVariable('PROCESSED_BUCKET', environment),
    transformQueueUrl: requiredVariable('TRANSFORM_QUEUE_URL', environment),
    forcePathStyle: choiceVariable('S3_FORCE_PATH_STYLE', ['false', 'true'], environment) === 'true',
    awsEndpoint: environment.AWS_ENDPOINT_URL,
  };
}

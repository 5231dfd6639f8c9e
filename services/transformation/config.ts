import { type FunctionVariables, functionVariables, requiredVariable } from '../../shared/environment.ts';

export interface TransformationConfig extends FunctionVariables {
  ingestedBucket: string;
  processedBucket: string;
  transformQueueUrl: string;
}

/** @throws {TerminalError} a variable is missing or malformed; the message names it */
export function readConfig(
  environment: Record<string, string | undefined> = process.env,
): TransformationConfig {
  return {
    ...functionVariables(environment),
    ingestedBucket: requiredVariable('INGESTED_BUCKET', environment),
    processedBucket: requiredVariable('PROCESSED_BUCKET', environment),
    transformQueueUrl: requiredVariable('TRANSFORM_QUEUE_URL', environment),
  };
}

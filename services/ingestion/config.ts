import {
  choiceVariable,
  type FunctionVariables,
  functionVariables,
  requiredVariable,
  wholeVariable,
} from '../../shared/environment.ts';
import { type SslMode, sslModes } from '../../shared/postgres/database-secret.ts';
import { defaultQuietRules, type QuietRules } from './plan/choose-look.ts';
import { type SourceRestart, sourceRestarts } from './source/identity.ts';

export interface IngestionConfig extends FunctionVariables {
  ingestedBucket: string;
  extractQueueUrl: string;
  sourceSecretId: string;
  sourceRestart: SourceRestart;
  /** Holds the source tables. */
  sourceSchema: string;
  /** For the database, where its secret names none. */
  sslmode: SslMode;
  /** How long after a census of a table the next one is sent at the earliest; undefined for the usual 900. */
  censusFloorSeconds: number | undefined;
  quiet: QuietRules;
}

/** @throws {TerminalError} a variable is missing or malformed; the message names it */
export function readConfig(environment: Record<string, string | undefined> = process.env): IngestionConfig {
  return {
    ...functionVariables(environment),
    ingestedBucket: requiredVariable('INGESTED_BUCKET', environment),
    extractQueueUrl: requiredVariable('EXTRACT_QUEUE_URL', environment),
    sourceSecretId: requiredVariable('SOURCE_SECRET_ID', environment),
    sourceRestart: choiceVariable('SOURCE_RESTART', sourceRestarts, environment),
    sourceSchema: 'public',
    sslmode: choiceVariable('SSLMODE', sslModes, environment),
    censusFloorSeconds: wholeVariable('CENSUS_FLOOR_SECONDS', environment, 0),
    quiet: readQuietRules(environment),
  };
}

/** What is found still has to be loaded within the objective. */
const partOfObjective = 0.75;

function readQuietRules(environment: Record<string, string | undefined>): QuietRules {
  const objective = wholeVariable('FRESHNESS_SECONDS', environment, 1);
  const aboveMib = wholeVariable('QUIET_ABOVE_MIB', environment, 0);
  return {
    ...defaultQuietRules,
    maxAgeSeconds: objective === undefined ? defaultQuietRules.maxAgeSeconds : partOfObjective * objective,
    summariesAgeSeconds: objective === undefined ? 0 : partOfObjective * objective,
    alwaysBytes: aboveMib === undefined ? defaultQuietRules.alwaysBytes : aboveMib * 2 ** 20,
  };
}

import {
  choiceVariable,
  type FunctionVariables,
  functionVariables,
  requiredVariable,
} from '../../shared/environment.ts';
import { TerminalError } from '../../shared/errors.ts';
import { type ExpireAfter, parseExpireAfter, wantedExpireAfter } from '../../shared/expire-after.ts';
import { type SslMode, sslModes } from '../../shared/postgres/database-secret.ts';
import { parseSchedule, type Schedule } from '../../shared/schedule.ts';
import type { ForeignKeys } from '../../shared/warehouse/relation.ts';

export interface LoadConfig extends FunctionVariables {
  /** Where the plans put their records and take requests. */
  ingestedBucket: string;
  processedBucket: string;
  loadQueueUrl: string;
  /** Takes objects that an older model has made; its dead letters are swept here, because the ledger says which are settled. */
  transformQueueUrl: string;
  warehouseSecretId: string;
  /** The schema of the star schema's tables. */
  warehouseSchema: string;
  foreignKeys: ForeignKeys;
  /** Used if the database's secret has none. */
  sslmode: SslMode;
  /** The plans'; undefined where nothing says so. */
  planSchedule: Schedule | undefined;
  /** After how many days objects expire; nothing does where nothing says so. */
  expireAfter: ExpireAfter;
}

/** @throws {TerminalError} a variable is missing or malformed; the message names it */
export function readConfig(environment: Record<string, string | undefined> = process.env): LoadConfig {
  return {
    ...functionVariables(environment),
    ingestedBucket: requiredVariable('INGESTED_BUCKET', environment),
    processedBucket: requiredVariable('PROCESSED_BUCKET', environment),
    loadQueueUrl: requiredVariable('LOAD_QUEUE_URL', environment),
    transformQueueUrl: requiredVariable('TRANSFORM_QUEUE_URL', environment),
    warehouseSecretId: requiredVariable('WAREHOUSE_SECRET_ID', environment),
    warehouseSchema: environment.WAREHOUSE_SCHEMA || 'public',
    foreignKeys: choiceVariable('WAREHOUSE_FOREIGN_KEYS', ['declared', 'enforced'], environment),
    sslmode: choiceVariable('SSLMODE', sslModes, environment),
    planSchedule: environment.PLAN_SCHEDULE ? parseSchedule(environment.PLAN_SCHEDULE) : undefined,
    expireAfter: readExpireAfter(environment.EXPIRE_AFTER_DAYS ?? ''),
  };
}

function readExpireAfter(text: string): ExpireAfter {
  const parsed = parseExpireAfter(text);
  if (parsed === undefined) {
    throw new TerminalError(
      `the environment variable EXPIRE_AFTER_DAYS is ${JSON.stringify(text)}: it has to be ${wantedExpireAfter}`,
    );
  }
  return parsed;
}

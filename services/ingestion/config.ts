import {
  choiceVariable,
  type FunctionVariables,
  functionVariables,
  requiredVariable,
  wholeVariable,
} from '../../shared/environment.ts';
import { TerminalError } from '../../shared/errors.ts';
import { type SslMode, sslModes } from '../../shared/postgres/database-secret.ts';
import { isJsonObject } from '../../shared/records/json-record.ts';
import { defaultQuietRules, type QuietRules } from './plan/look/choose-look.ts';
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
  /** What sizes mean to looks; what is left out is as usual. */
  sizes: Partial<LookSizes>;
}

/** See PlanDeps. */
type LookSizes = Record<(typeof sizeNames)[number], number>;

const sizeNames = ['sliceBytes', 'probeMaxBytes', 'lookBytes'] as const;

/** @throws {TerminalError} a variable is missing or malformed; the message names it */
export function readConfig(environment: Record<string, string | undefined> = process.env): IngestionConfig {
  const { sizes, rules } = readLookSettings(environment);
  return {
    ...functionVariables(environment),
    ingestedBucket: requiredVariable('INGESTED_BUCKET', environment),
    extractQueueUrl: requiredVariable('EXTRACT_QUEUE_URL', environment),
    sourceSecretId: requiredVariable('SOURCE_SECRET_ID', environment),
    sourceRestart: choiceVariable('SOURCE_RESTART', sourceRestarts, environment),
    sourceSchema: 'public',
    sslmode: choiceVariable('SSLMODE', sslModes, environment),
    censusFloorSeconds: wholeVariable('CENSUS_FLOOR_SECONDS', environment, 0),
    quiet: { ...readQuietRules(environment), ...rules },
    sizes,
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

/**
 * LOOK_SETTINGS: a JSON object of numbers, by which looks treat small tables as they treat large ones. It is for tests: no stage
 * sets it.
 *
 * @throws {TerminalError} it is anything else
 */
function readLookSettings({ LOOK_SETTINGS: text = '' }: Record<string, string | undefined>): {
  sizes: Partial<LookSizes>;
  rules: Partial<QuietRules>;
} {
  const settings = text === '' ? {} : parseObject(text);
  const isNumber = (value: unknown): value is number => typeof value === 'number';
  const take = <Name extends string>(names: readonly Name[]): Partial<Record<Name, number>> =>
    Object.fromEntries(
      names.flatMap((name) => (isNumber(settings[name]) ? [[name, settings[name]]] : [])),
    ) as Partial<Record<Name, number>>;
  const ruleNames = Object.keys(defaultQuietRules) as (keyof QuietRules)[];
  const [sizes, rules] = [take(sizeNames), take(ruleNames)];
  const unknown = Object.keys(settings).filter((name) => !(name in sizes || name in rules));
  if (unknown.length > 0) {
    throw new TerminalError(
      `the environment variable LOOK_SETTINGS has no number ${unknown.join(', ')}: use ${[...sizeNames, ...ruleNames].join(', ')}`,
    );
  }
  return { sizes, rules };
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isJsonObject(value)) return value;
  } catch {
    // Said below.
  }
  throw new TerminalError(
    `the environment variable LOOK_SETTINGS is ${JSON.stringify(text)}: use a JSON object`,
  );
}

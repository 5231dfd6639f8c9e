import { TerminalError } from './errors.ts';

type Environment = Record<string, string | undefined>;

/** @throws {TerminalError} the variable is missing or empty; the message names it */
export function requiredVariable(name: string, environment: Environment = process.env): string {
  const value = environment[name];
  if (value === undefined || value === '')
    throw new TerminalError(`the environment variable ${name} is not set`);
  return value;
}

/** @throws {TerminalError} the variable is set to something other than the choices. The first choice is the default */
export function choiceVariable<const T extends string>(
  name: string,
  choices: readonly [T, ...T[]],
  environment: Environment = process.env,
): T {
  const value = environment[name];
  if (value === undefined || value === '') return choices[0];
  const chosen = choices.find((choice) => choice === value);
  if (chosen === undefined) {
    throw new TerminalError(
      `the environment variable ${name} is ${JSON.stringify(value)}: use ${choices.join(' or ')}`,
    );
  }
  return chosen;
}

/** @throws {TerminalError} the variable holds no positive whole number */
export const numberVariable = (name: string, environment: Environment = process.env): number | undefined =>
  wholeVariable(name, environment, 1);

/** @throws {TerminalError} the variable holds no whole number, or one that is too small */
export function wholeVariable(name: string, environment: Environment, least: number): number | undefined {
  const value = environment[name];
  if (value === undefined || value === '') return undefined;
  if (/^(0|[1-9]\d{0,8})$/.test(value) && Number(value) >= least) return Number(value);
  const wanted = least === 0 ? 'a whole number' : 'a whole number above 0';
  throw new TerminalError(`the environment variable ${name} is ${JSON.stringify(value)}: use ${wanted}`);
}

/** What every service reads. */
export interface FunctionVariables {
  /** The deployed stage's name, which events and metrics carry. */
  stage: string;
  forcePathStyle: boolean;
  /** Undefined for AWS itself; the SDK reads the variable on its own. */
  awsEndpoint: string | undefined;
  /** The longest wait between two attempts at a message, in seconds; undefined for the usual 300. */
  longestWaitSeconds: number | undefined;
  /** How long to try for a connection to a database, in milliseconds; undefined for the usual 20,000. */
  connectPatienceMs: number | undefined;
}

/** @throws {TerminalError} a variable is missing or malformed; the message names it */
export const functionVariables = (environment: Environment): FunctionVariables => ({
  stage: requiredVariable('STAGE', environment),
  forcePathStyle: choiceVariable('S3_FORCE_PATH_STYLE', ['false', 'true'], environment) === 'true',
  awsEndpoint: environment.AWS_ENDPOINT_URL,
  longestWaitSeconds: numberVariable('RETRY_LONGEST_SECONDS', environment),
  connectPatienceMs: numberVariable('CONNECT_PATIENCE_MS', environment),
});

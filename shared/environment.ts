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

/** The variables that every service reads. */
export interface FunctionVariables {
  /** The deployed stage's name, which events and metrics carry. */
  stage: string;
  forcePathStyle: boolean;
  /** Undefined for AWS itself; the SDK reads the variable on its own. */
  awsEndpoint: string | undefined;
}

/** @throws {TerminalError} a variable is missing or malformed; the message names it */
export const functionVariables = (environment: Environment): FunctionVariables => ({
  stage: requiredVariable('STAGE', environment),
  forcePathStyle: choiceVariable('S3_FORCE_PATH_STYLE', ['false', 'true'], environment) === 'true',
  awsEndpoint: environment.AWS_ENDPOINT_URL,
});

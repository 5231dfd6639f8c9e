import { type CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { UsageError } from '../../terminal/usage-error.ts';

/** The services in the order of the flow; each is a stack. */
const services = ['ingestion', 'transformation', 'loading'] as const;

/** What a stage is made of, by the outputs of its stacks (services/<service>/serverless.yml). */
const outputsOf = {
  ingestion: ['ingestedBucket', 'extractQueueUrl', 'transformQueueUrl', 'planFunction', 'sourceSecret'],
  transformation: ['processedBucket', 'loadQueueUrl'],
  loading: ['warehouseSecret', 'warehouseSchema'],
} as const;

type OutputName = (typeof outputsOf)[keyof typeof outputsOf][number];

export interface StageResources extends Record<OutputName, string> {
  /** Between two plans of the schedule; undefined where that is no plain rate, or an older version has deployed it. */
  planEverySeconds: number | undefined;
}

/**
 * Finds a deployed stage by its stacks.
 *
 * @throws {UsageError} it does not exist, or is incomplete
 */
export async function findStage(
  cloudFormation: Pick<CloudFormationClient, 'send' | 'config'>,
  stage: string,
): Promise<StageResources> {
  const region = await cloudFormation.config.region();
  const stacks = await Promise.all(stackNames(stage).map((name) => readOutputs(cloudFormation, name)));
  return pickResources({ stage, region }, stacks);
}

export const stackNames = (stage: string): string[] =>
  services.map((service) => `starlift-${service}-${stage}`);

async function readOutputs(
  cloudFormation: Pick<CloudFormationClient, 'send'>,
  name: string,
): Promise<StackOutputs> {
  try {
    const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: name }));
    const outputs = Stacks?.[0]?.Outputs ?? [];
    return new Map(outputs.map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]));
  } catch (error) {
    // CloudFormation has no specific error for a stack that does not exist.
    if (error instanceof Error && /does not exist/.test(error.message)) return undefined;
    throw error;
  }
}

/** The outputs of a stack by their names; undefined for a stack that does not exist. */
export type StackOutputs = ReadonlyMap<string, string> | undefined;

/**
 * Picks a stage's resources out of its stacks' outputs.
 *
 * @param stacks by service, in the order of stackNames()
 * @param region undefined where the user named none
 * @throws {UsageError} the stage does not exist, or is incomplete; names what is missing
 */
export function pickResources(
  { stage, region }: { stage: string; region: string | undefined },
  stacks: readonly StackOutputs[],
): StageResources {
  const names = stackNames(stage);
  const where = region === undefined ? '' : ` in ${region}`;
  const missing = names.filter((_, index) => stacks[index] === undefined);
  if (missing.length === names.length) {
    throw new UsageError(
      `there is no stage ${stage}${where}: choose another region with --region, or create the stage with npx starlift deploy --stage ${stage}`,
    );
  }
  if (missing.length > 0) {
    throw new UsageError(
      `the stage ${stage}${where} is incomplete: there is no stack ${missing.join(' or ')}. npx starlift deploy --stage ${stage} makes it whole, npx starlift remove --stage ${stage} takes the rest away`,
    );
  }
  const picked = services.flatMap((service, index) =>
    outputsOf[service].map((name) => {
      const value = stacks[index]?.get(name);
      if (value !== undefined) return [name, value];
      throw new UsageError(`the stack ${names[index]}${where} has no output ${name}: deploy it again`);
    }),
  );
  const resources = Object.fromEntries(picked) as Record<OutputName, string>;
  return { ...resources, planEverySeconds: parseRate(stacks[0]?.get('planSchedule')) };
}

const secondsOf: Readonly<Record<string, number>> = { minute: 60, hour: 3600, day: 86_400 };

/** Reads `rate(5 minutes)`: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html */
function parseRate(schedule: string | undefined): number | undefined {
  const [, count, unit = ''] = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(schedule ?? '') ?? [];
  return count === undefined ? undefined : Number(count) * (secondsOf[unit] ?? Number.NaN);
}

/** The error names with which AWS' services refuse credentials. */
const refusedCredentials = new Set([
  'AuthFailure',
  'ExpiredToken',
  'ExpiredTokenException',
  'IncompleteSignature',
  'InvalidAccessKeyId',
  'InvalidClientTokenId',
  'InvalidSignatureException',
  'RequestExpired',
  'SignatureDoesNotMatch',
  'UnrecognizedClientException',
]);

interface AwsError {
  name?: unknown;
  message?: unknown;
  code?: unknown;
  $metadata?: { httpStatusCode?: number };
}

/**
 * Explains in one line why a command cannot use AWS: no region, credentials, rights or connection.
 *
 * @returns undefined for an error of another kind
 */
export function explainAwsError(error: unknown): UsageError | undefined {
  const { name, message, code, $metadata } = (error ?? {}) as AwsError;
  const text = firstLine(message);
  const explain = (line: string) => new UsageError(line, { cause: error });
  if (/^Region is missing|^Region not accepted: region=""/.test(text)) {
    return explain('no AWS region: set it with --region, AWS_REGION or in the AWS profile');
  }
  if (text.startsWith('Region not accepted'))
    return explain('--region (or AWS_REGION) is not the name of a region');
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') {
    return explain(`no AWS credentials: ${text}`);
  }
  if ($metadata === undefined) return undefined;
  if (refusedCredentials.has(String(name))) return explain(`AWS refuses the credentials: ${text}`);
  if (/^AccessDenied/.test(String(name)) || $metadata.httpStatusCode === 403) {
    return explain(`AWS refuses the request: ${text === '' ? String(name) : text}`);
  }
  // A timeout of the SDK has no code.
  if ($metadata.httpStatusCode === undefined && (typeof code === 'string' || name === 'TimeoutError')) {
    const reason = text.replace(/^@smithy\S* - /, '') || String(code);
    return explain(`AWS cannot be reached: ${reason}; is the region right?`);
  }
  return undefined;
}

/** Does work on AWS. Where AWS cannot be used, one line says why. */
export async function onAws<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explainAwsError(error) ?? error;
  }
}

/** The options that name a stage again, as a command to type ends with. */
export const formatStageOptions = ({
  stage,
  region,
}: {
  stage: string;
  region: string | undefined;
}): string => ` --stage ${stage}${region === undefined ? '' : ` --region ${region}`}`;

const firstLine = (message: unknown): string => String(message ?? '').split('\n')[0] ?? '';

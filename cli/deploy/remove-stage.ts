import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { LambdaClient, PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda';
import { DeleteObjectsCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { requestTimeouts } from '../../shared/aws-clients.ts';
import type { StageName } from '../site/stage/open-stage.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { findProject, findRegion, readStageParameters } from './deploy-stage.ts';
import { findOsls, runOsls } from './run-osls.ts';
import { openServiceFolders, type ServiceName, serviceNames } from './service-folders.ts';

interface Removal {
  name: StageName;
  /** Delete every version of every object. */
  deletesData: boolean;
  values: Readonly<Record<string, string | boolean | undefined>>;
}

interface Clients {
  cloudFormation: CloudFormationClient;
  lambda: LambdaClient;
  s3: S3Client;
}

interface FoundStack {
  service: ServiceName;
  name: string;
  /** The bucket that it owns. */
  bucket: string | undefined;
}

/**
 * Removes a stage, or what is left of it. The warehouse stays as it is.
 *
 * @returns the exit code
 * @throws {UsageError} there is no such stage, or AWS cannot be used
 */
export async function removeStage(
  { name, deletesData, values }: Removal,
  terminal: Terminal,
): Promise<number> {
  const program = findOsls();
  const { stage } = name;
  const region = await findRegion(name);
  const options = { region, requestHandler: requestTimeouts };
  const clients = {
    cloudFormation: new CloudFormationClient(options),
    lambda: new LambdaClient(options),
    s3: new S3Client(options),
  };
  const stacks = await findStacks(clients, stage);
  if (stacks.length === 0) throw new UsageError(`there is no stage ${stage} in ${region}`);
  const full = await findFullBuckets(clients, stacks);
  if (full.length > 0 && !deletesData) {
    terminal.error(`${full.join(' and ')} hold data: --delete-data deletes every version of it`);
    return 1;
  }
  await stopFunctions(clients, stacks);
  for (const bucket of full) await emptyBucket(clients.s3, bucket);
  const parameters = readStageParameters(findProject(values), stage);
  using folders = openServiceFolders();
  for (const { service } of stacks) {
    const call = { program, folder: folders.folder(service), command: 'remove', parameters } as const;
    if ((await runOsls({ ...call, stage, region })) === 0) continue;
    terminal.error(`removing ${service} failed; what is left can be removed by the same command`);
    return 1;
  }
  terminal.info(`The stage ${stage} is removed. The warehouse is left as it is.`);
  return 0;
}

/** Against the flow of the data: each stack uses the outputs of the one before it. */
async function findStacks({ cloudFormation }: Clients, stage: string): Promise<FoundStack[]> {
  const found = [];
  for (const service of serviceNames.toReversed()) {
    const name = `starlift-${service}-${stage}`;
    try {
      const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: name }));
      const outputs = Stacks?.[0]?.Outputs ?? [];
      const own = service === 'ingestion' ? 'ingestedBucket' : 'processedBucket';
      const bucket =
        service === 'loading' ? undefined : outputs.find(({ OutputKey }) => OutputKey === own)?.OutputValue;
      found.push({ service, name, bucket });
    } catch (error) {
      // CloudFormation has no error of its own for a missing stack.
      if (!(error instanceof Error && /does not exist/.test(error.message))) throw error;
    }
  }
  return found;
}

async function findFullBuckets({ s3 }: Clients, stacks: readonly FoundStack[]): Promise<string[]> {
  const full = [];
  for (const { bucket } of stacks) {
    if (bucket !== undefined && (await listVersions(s3, bucket, 1)).length > 0) full.push(bucket);
  }
  return full;
}

async function listVersions(s3: S3Client, bucket: string, MaxKeys = 1000) {
  const page = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, MaxKeys }));
  const all = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
  return all.map(({ Key, VersionId }) => ({ Key, VersionId }));
}

/** So that nothing puts an object into a bucket that is being emptied. Running invocations end by themselves. */
async function stopFunctions(
  { cloudFormation, lambda }: Clients,
  stacks: readonly FoundStack[],
): Promise<void> {
  for (const { name } of stacks) {
    for await (const page of paginateListStackResources({ client: cloudFormation }, { StackName: name })) {
      for (const { ResourceType, PhysicalResourceId } of page.StackResourceSummaries ?? []) {
        if (ResourceType !== 'AWS::Lambda::Function') continue;
        const stopped = { FunctionName: PhysicalResourceId, ReservedConcurrentExecutions: 0 };
        await lambda.send(new PutFunctionConcurrencyCommand(stopped));
      }
    }
  }
}

async function emptyBucket(s3: S3Client, bucket: string): Promise<void> {
  for (;;) {
    const Objects = await listVersions(s3, bucket);
    if (Objects.length === 0) return;
    const { Errors = [] } = await s3.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
    );
    const [first] = Errors;
    if (first !== undefined)
      throw new Error(`${bucket}: ${first.Key} could not be deleted (${first.Message})`);
  }
}

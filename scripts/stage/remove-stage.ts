// Removes a stage: `npm run remove -- --stage dev`. Deletes its data only with --delete-data.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  CloudFormationClient,
  DescribeStacksCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import { LambdaClient, PutFunctionConcurrencyCommand } from '@aws-sdk/client-lambda';
import { DeleteObjectsCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import { findRegion } from './find-region.ts';

/** Against the flow of the data: each stack uses the outputs of the one before it. */
const services = ['loading', 'transformation', 'ingestion'];
const root = fileURLToPath(new URL('../..', import.meta.url));

const { region, rest } = await findRegion(process.argv.slice(2));
const { values } = parseArgs({
  args: rest,
  options: {
    stage: { type: 'string' },
    'delete-data': { type: 'boolean', default: false },
  },
});
const { stage } = values;
if (stage === undefined) fail('which stage? npm run remove -- --stage dev [--region R] [--delete-data]', 2);
const cloudFormation = new CloudFormationClient({ region });
const s3 = new S3Client({ region });

const stacks = await findStacks(services.map((service) => `starlift-${service}-${stage}`));
if (stacks.length === 0) fail(`there is no stage ${stage} in ${region}`, 2);
const full = [];
for (const bucket of stacks.flatMap(({ buckets }) => buckets)) if (await holdsData(bucket)) full.push(bucket);
if (full.length > 0 && !values['delete-data']) {
  fail(`${full.join(' and ')} hold data: --delete-data deletes every version of it`, 1);
}
await stopFunctions(stacks.map(({ name }) => name));
for (const bucket of full) await emptyBucket(bucket);
for (const service of services) {
  if (stacks.some(({ name }) => name === `starlift-${service}-${stage}`)) removeService(service);
}

async function findStacks(names: string[]): Promise<{ name: string; buckets: string[] }[]> {
  const found = [];
  for (const name of names) {
    try {
      const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName: name }));
      const outputs = Stacks?.[0]?.Outputs ?? [];
      const own = outputs.filter(({ OutputKey = '' }) => /^(ingested|processed)Bucket$/.test(OutputKey));
      found.push({ name, buckets: own.flatMap(({ OutputValue }) => OutputValue ?? []) });
    } catch (error) {
      // CloudFormation has no error of its own for a missing stack.
      if (!(error instanceof Error && /does not exist/.test(error.message))) throw error;
    }
  }
  return found;
}

async function holdsData(bucket: string): Promise<boolean> {
  return (await listVersions(bucket, 1)).length > 0;
}

async function listVersions(bucket: string, MaxKeys = 1000) {
  const page = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, MaxKeys }));
  const all = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
  return all.map(({ Key, VersionId }) => ({ Key, VersionId }));
}

/** So that nothing puts an object into a bucket that is being emptied. Running invocations end by themselves. */
async function stopFunctions(stackNames: string[]): Promise<void> {
  const lambda = new LambdaClient({ region });
  for (const StackName of stackNames) {
    for await (const page of paginateListStackResources({ client: cloudFormation }, { StackName })) {
      for (const { ResourceType, PhysicalResourceId } of page.StackResourceSummaries ?? []) {
        if (ResourceType !== 'AWS::Lambda::Function') continue;
        await lambda.send(
          new PutFunctionConcurrencyCommand({
            FunctionName: PhysicalResourceId,
            ReservedConcurrentExecutions: 0,
          }),
        );
      }
    }
  }
}

async function emptyBucket(bucket: string): Promise<void> {
  for (;;) {
    const Objects = await listVersions(bucket);
    if (Objects.length === 0) return;
    const { Errors = [] } = await s3.send(
      new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }),
    );
    const [first] = Errors;
    if (first !== undefined) fail(`${bucket}: ${first.Key} could not be deleted (${first.Message})`, 1);
  }
}

function removeService(service: string): void {
  const program = `${root}node_modules/osls/bin/serverless.js`;
  const args = [program, 'remove', '--stage', String(stage), '--region', region];
  const { status } = spawnSync(process.execPath, args, {
    cwd: `${root}services/${service}`,
    stdio: 'inherit',
  });
  if (status !== 0) fail(`removing ${service} failed; what is left can be removed by the same command`, 1);
}

function fail(message: string, code: number): never {
  console.error(`starlift: ${message}`);
  process.exit(code);
}

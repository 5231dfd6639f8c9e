import { CloudFormationClient, ListStacksCommand } from '@aws-sdk/client-cloudformation';
import { LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import { ListBucketsCommand, S3Client } from '@aws-sdk/client-s3';
import { ListQueuesCommand, SQSClient } from '@aws-sdk/client-sqs';
import { type MiniStack, region } from './ministack.ts';

/** What of a stage is in the account. */
export async function listLeft({ endpoint }: Pick<MiniStack, 'endpoint'>) {
  const connection = { endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  const { StackSummaries = [] } = await new CloudFormationClient(connection).send(new ListStacksCommand({}));
  const { Buckets = [] } = await new S3Client(connection).send(new ListBucketsCommand({}));
  const { QueueUrls = [] } = await new SQSClient(connection).send(new ListQueuesCommand({}));
  const { Functions = [] } = await new LambdaClient(connection).send(new ListFunctionsCommand({}));
  return {
    // Others are the test's own.
    stacks: StackSummaries.filter(
      ({ StackName, StackStatus }) => StackName?.startsWith('starlift-') && StackStatus !== 'DELETE_COMPLETE',
    ),
    buckets: Buckets,
    queues: QueueUrls,
    functions: Functions.map(({ FunctionName }) => FunctionName),
  };
}

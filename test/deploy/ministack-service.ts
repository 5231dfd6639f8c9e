import {
  CloudFormationClient,
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { makeApiService } from '../contract/called-by-api.ts';
import type { StartedService } from '../contract/describe-contract.ts';
import { failBadSource } from '../contract/fail-bad.ts';
import { queueArn } from '../contract/queues.ts';
import type { Service } from '../contract/service.ts';
import { region, startMiniStack } from './ministack.ts';
import { waitUntil } from './wait-until.ts';

/** Starts MiniStack, which runs functions and maps queues to them itself. */
export async function startMiniStackService(): Promise<StartedService> {
  const { endpoint, stop } = await startMiniStack();
  const connection = { endpoint, region, credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
  const service = makeApiService('ministack', connection);
  const cloudFormation = new CloudFormationClient(connection);
  return {
    service: { ...service, mapQueue: (queueUrl) => mapQueue(service, cloudFormation, queueUrl) },
    stop: async () => {
      for (const client of [...Object.values(service.clients), cloudFormation]) client.destroy();
      await stop();
    },
  };
}

async function mapQueue(
  service: Service,
  cloudFormation: CloudFormationClient,
  queueUrl: string,
): Promise<() => Promise<void>> {
  const StackName = 'contract-function';
  const arn = queueArn(service, queueUrl.slice(queueUrl.lastIndexOf('/') + 1));
  const TemplateBody = JSON.stringify(makeTemplate(arn));
  await cloudFormation.send(
    new CreateStackCommand({ StackName, TemplateBody, Capabilities: ['CAPABILITY_IAM'] }),
  );
  await waitUntil('the function is made', 60, async () => {
    const { Stacks = [] } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
    return Stacks[0]?.StackStatus === 'CREATE_COMPLETE';
  });
  return async () => {
    await cloudFormation.send(new DeleteStackCommand({ StackName }));
  };
}

const trust = {
  Statement: [{ Effect: 'Allow', Principal: { Service: 'lambda.amazonaws.com' }, Action: 'sts:AssumeRole' }],
};

const makeTemplate = (queue: string) => ({
  Resources: {
    Role: {
      Type: 'AWS::IAM::Role',
      Properties: { AssumeRolePolicyDocument: trust, Policies: [makePolicy(queue)] },
    },
    Function: {
      Type: 'AWS::Lambda::Function',
      Properties: {
        ...{ Handler: 'index.handler', Runtime: 'nodejs24.x', Timeout: 3 },
        Role: { 'Fn::GetAtt': ['Role', 'Arn'] },
        Code: { ZipFile: failBadSource },
      },
    },
    Mapping: {
      Type: 'AWS::Lambda::EventSourceMapping',
      Properties: {
        ...{ EventSourceArn: queue, FunctionName: { Ref: 'Function' }, BatchSize: 10 },
        FunctionResponseTypes: ['ReportBatchItemFailures'],
      },
    },
  },
});

const makePolicy = (queue: string) => ({
  PolicyName: 'queue',
  PolicyDocument: {
    Statement: [
      {
        Effect: 'Allow',
        Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'],
        Resource: queue,
      },
      { Effect: 'Allow', Action: 'logs:*', Resource: '*' },
    ],
  },
});

import {
  type CloudFormationClient,
  GetTemplateCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';
import type { Event, QueueConfiguration } from '@aws-sdk/client-s3';

/** What makes a stage work by itself. */
export interface StageParts {
  /** The rules that call functions on a schedule. */
  schedules: string[];
  /** The UUIDs of what hands messages to functions. */
  mappings: string[];
  functions: { name: string; reserved: number | undefined }[];
  /** The buckets that tell a queue of new objects. */
  notifications: BucketNotification[];
}

export interface BucketNotification extends Required<Pick<QueueConfiguration, 'Events' | 'Filter'>> {
  bucket: string;
  queueUrl: string;
}

/** Finds the parts of stacks, with the concurrency and the notifications of their templates. */
export async function findStageParts(
  cloudFormation: CloudFormationClient,
  stackNames: readonly string[],
): Promise<StageParts> {
  const parts: StageParts = { schedules: [], mappings: [], functions: [], notifications: [] };
  for (const { resources, template } of await Promise.all(
    stackNames.map((name) => readStack(cloudFormation, name)),
  )) {
    for (const [logicalId, { type, id }] of resources) {
      const own = template.Resources[logicalId]?.Properties ?? {};
      if (type === 'AWS::Lambda::EventSourceMapping') parts.mappings.push(id);
      if (type === 'AWS::Events::Rule' && own.ScheduleExpression !== undefined) {
        parts.schedules.push(id.split('|').at(-1) ?? id);
      }
      if (type === 'AWS::Lambda::Function') {
        const reserved = readReserved(own.ReservedConcurrentExecutions, template);
        parts.functions.push({ name: id, reserved });
      }
      if (type === 'AWS::S3::Bucket') {
        const configuration = own.NotificationConfiguration as NotificationProperty | undefined;
        for (const { Event, Queue, Filter } of configuration?.QueueConfigurations ?? []) {
          const queueUrl = resources.get(Queue['Fn::GetAtt'][0])?.id ?? '';
          const rules = { Key: { FilterRules: Filter.S3Key.Rules } };
          parts.notifications.push({ bucket: id, queueUrl, Events: [Event], Filter: rules });
        }
      }
    }
  }
  return parts;
}

interface StackResource {
  type: string;
  /** Its physical id: of a queue its URL. */
  id: string;
}

async function readStack(cloudFormation: CloudFormationClient, StackName: string) {
  const resources = new Map<string, StackResource>();
  const [{ TemplateBody }] = await Promise.all([
    cloudFormation.send(new GetTemplateCommand({ StackName })),
    (async () => {
      for await (const page of paginateListStackResources({ client: cloudFormation }, { StackName })) {
        for (const resource of page.StackResourceSummaries ?? []) {
          const { ResourceType: type = '', LogicalResourceId = '', PhysicalResourceId: id = '' } = resource;
          resources.set(LogicalResourceId, { type, id });
        }
      }
    })(),
  ]);
  return { resources, template: JSON.parse(TemplateBody ?? '{"Resources":{}}') as Template };
}

interface Template {
  Conditions?: Record<string, { 'Fn::Equals'?: [unknown, unknown] }>;
  Resources: Record<string, { Properties?: Record<string, unknown> }>;
}

/** As services/<service>/resources/bucket.yml has it. */
interface NotificationProperty {
  QueueConfigurations: {
    Event: Event;
    Queue: { 'Fn::GetAtt': [string, 'Arn'] };
    Filter: { S3Key: { Rules: { Name: 'prefix' | 'suffix'; Value: string }[] } };
  }[];
}

/** services/<service>/serverless.yml reserves by a condition whose sides osls has put in. */
function readReserved(value: unknown, { Conditions = {} }: Template): number | undefined {
  const [condition, reserved] = (value as { 'Fn::If'?: [string, unknown] } | undefined)?.['Fn::If'] ?? [];
  const [one, other] = Conditions[condition ?? '']?.['Fn::Equals'] ?? [];
  return condition !== undefined && one === other ? Number(reserved) : undefined;
}

import {
  type CloudFormationClient,
  GetTemplateCommand,
  paginateListStackResources,
} from '@aws-sdk/client-cloudformation';

/** What makes a stage work by itself. */
export interface StageParts {
  /** The rules that call functions on a schedule. */
  schedules: string[];
  /** The UUIDs of what hands messages to functions. */
  mappings: string[];
  functions: { name: string; reserved: number | undefined }[];
}

/** Finds the parts of stacks, with the concurrency that their templates reserve. */
export async function findStageParts(
  cloudFormation: CloudFormationClient,
  stackNames: readonly string[],
): Promise<StageParts> {
  const parts: StageParts = { schedules: [], mappings: [], functions: [] };
  for (const StackName of stackNames) {
    const { TemplateBody } = await cloudFormation.send(new GetTemplateCommand({ StackName }));
    const template = JSON.parse(TemplateBody ?? '{}') as Template;
    for await (const page of paginateListStackResources({ client: cloudFormation }, { StackName })) {
      for (const resource of page.StackResourceSummaries ?? []) {
        const { ResourceType, LogicalResourceId = '', PhysicalResourceId: id = '' } = resource;
        const own = template.Resources[LogicalResourceId]?.Properties ?? {};
        if (ResourceType === 'AWS::Lambda::EventSourceMapping') parts.mappings.push(id);
        if (ResourceType === 'AWS::Events::Rule' && own.ScheduleExpression !== undefined) {
          parts.schedules.push(id.split('|').at(-1) ?? id);
        }
        if (ResourceType === 'AWS::Lambda::Function') {
          parts.functions.push({
            name: id,
            reserved: readReserved(own.ReservedConcurrentExecutions, template),
          });
        }
      }
    }
  }
  return parts;
}

interface Template {
  Conditions?: Record<string, { 'Fn::Equals'?: [unknown, unknown] }>;
  Resources: Record<string, { Properties?: Record<string, unknown> }>;
}

/** services/<service>/serverless.yml reserves by a condition whose sides osls has put in. */
function readReserved(value: unknown, { Conditions = {} }: Template): number | undefined {
  const [condition, reserved] = (value as { 'Fn::If'?: [string, unknown] } | undefined)?.['Fn::If'] ?? [];
  const [one, other] = Conditions[condition ?? '']?.['Fn::Equals'] ?? [];
  return condition !== undefined && one === other ? Number(reserved) : undefined;
}

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { account, makeResolver, region } from './intrinsics.ts';

export const services = ['ingestion', 'transformation', 'loading'] as const;
export type Service = (typeof services)[number];

export interface Template {
  Resources: Record<
    string,
    { Type: string; Condition?: string; UpdateReplacePolicy?: string; Properties: Record<string, unknown> }
  >;
}

const folder = fileURLToPath(new URL('../../.package/', import.meta.url));

export const zipPath = (service: Service): string => `${folder}${service}-starlift-${service}.zip`;
export const templatePath = (service: Service): string => `${folder}${service}.template.json`;

export interface Statement {
  effect: 'Allow' | 'Deny';
  actions: string[];
  resources: string[];
}

export interface PackagedFunction {
  /** `service-function`, such as loading-sweep. */
  name: string;
  service: Service;
  /** Of its log group. */
  deployedName: string;
  /** The module in the zip. */
  module: string;
  environment: Record<string, string>;
  statements: Statement[];
  /** The queue that its event source mapping reads. */
  queueArn: string | undefined;
}

/** The functions of the packaged templates with their roles, for the stage dev and without VPC and tracing. */
export const readFunctions = (): PackagedFunction[] => services.flatMap(readServiceFunctions);

function readServiceFunctions(service: Service): PackagedFunction[] {
  const template = readTemplate(service);
  const resolve = makeResolver(template);
  const resources = Object.entries(template.Resources);
  const mappings = resources.filter(([, { Type }]) => Type === 'AWS::Lambda::EventSourceMapping');
  return resources.flatMap(([logicalId, { Type, Properties }]) => {
    if (Type !== 'AWS::Lambda::Function') return [];
    const deployedName = String(Properties.FunctionName);
    const mapping = mappings.find(([, each]) =>
      JSON.stringify(each.Properties.FunctionName).includes(logicalId),
    );
    const { Variables } = Properties.Environment as { Variables: Record<string, unknown> };
    const [role] = (Properties.Role as { 'Fn::GetAtt': string[] })['Fn::GetAtt'];
    return {
      name: deployedName.replace('starlift-', '').replace('-dev', ''),
      ...{ service, deployedName, module: `${String(Properties.Handler).replace(/\.\w+$/, '')}.mjs` },
      environment: resolve(Variables) as Record<string, string>,
      statements: readStatements(resolve(template.Resources[role ?? '']?.Properties.Policies)),
      queueArn: mapping && String(resolve(mapping[1].Properties.EventSourceArn)),
    };
  });
}

type OneOrMore = string | string[];

function readStatements(policies: unknown): Statement[] {
  const documents = policies as {
    PolicyDocument: { Statement: { Effect: 'Allow' | 'Deny'; Action: OneOrMore; Resource: OneOrMore }[] };
  }[];
  return documents
    .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
    .map(({ Effect, Action, Resource }) => ({
      effect: Effect,
      actions: [Action].flat(),
      resources: [Resource].flat(),
    }));
}

/** Packaging offline knows no other stack's names: here they get those that this stage's stacks give. */
export function readTemplate(service: Service): Template {
  const text = readFileSync(templatePath(service), 'utf8')
    .replaceAll('offline-ingested', `starlift-dev-ingested-${account}-${region}`)
    .replaceAll('offline-processed', `starlift-dev-processed-${account}-${region}`)
    .replaceAll('starlift-offline-', 'starlift-dev-');
  return JSON.parse(text) as Template;
}

import type { Template } from './packaged.ts';

export const region = 'eu-west-2';
export const account = '000000000000';

type Node = unknown;

/**
 * Puts the values into what a template says by intrinsic functions, for the account 000000000000: CloudFormation's
 * work, as far as these templates need it.
 *
 * @throws {Error} the template uses a function or a reference that this does not know
 */
export function makeResolver(template: Template & { Conditions?: Record<string, Node> }) {
  const holds = (condition: Node): boolean => {
    const [[name = '', args] = []] = Object.entries(condition as Record<string, Node[]>);
    if (name === 'Fn::Not') return !holds((args as Node[])[0]);
    if (name === 'Fn::Equals') return resolve((args as Node[])[0]) === resolve((args as Node[])[1]);
    throw new Error(`not a condition: ${JSON.stringify(condition)}`);
  };
  const resolve = (node: Node): unknown => {
    if (Array.isArray(node)) return node.map(resolve).filter((each) => each !== undefined);
    if (typeof node !== 'object' || node === null) return node;
    const entries = Object.entries(node);
    const [name, value] = entries[0] ?? ['', undefined];
    if (entries.length === 1 && name === 'Ref') return referenceTo(String(value));
    if (entries.length === 1 && name === 'Fn::Sub') {
      return String(value).replace(/\$\{([^}]+)\}/g, (_, path: string) => String(substitute(path)));
    }
    if (entries.length === 1 && name === 'Fn::GetAtt') return arnOf(...(value as [string, string]));
    if (entries.length === 1 && name === 'Fn::Join') {
      const [separator, parts] = value as [string, Node[]];
      return (resolve(parts) as string[]).join(separator);
    }
    if (entries.length === 1 && name === 'Fn::If') {
      const [condition, yes, no] = value as [string, Node, Node];
      return resolve(holds(template.Conditions?.[condition]) ? yes : no);
    }
    if (name.startsWith('Fn::')) throw new Error(`not known: ${name}`);
    return Object.fromEntries(entries.map(([key, each]) => [key, resolve(each)]));
  };
  const substitute = (path: string) => {
    const [name = '', attribute] = path.split('.');
    return attribute === undefined ? referenceTo(name) : arnOf(name, attribute);
  };
  const nameOf = (logicalId: string): string => {
    const { Type, Properties } = template.Resources[logicalId] ?? {};
    const property = { 'AWS::S3::Bucket': 'BucketName', 'AWS::SQS::Queue': 'QueueName' }[Type ?? ''];
    if (property === undefined || Properties === undefined) throw new Error(`not known: ${logicalId}`);
    return String(resolve(Properties[property]));
  };
  const referenceTo = (name: string): string | undefined => {
    if (name === 'AWS::NoValue') return undefined;
    const pseudo = { 'AWS::Region': region, 'AWS::AccountId': account, 'AWS::Partition': 'aws' }[name];
    if (pseudo !== undefined) return pseudo;
    const isQueue = template.Resources[name]?.Type === 'AWS::SQS::Queue';
    return isQueue ? `https://sqs.${region}.amazonaws.com/${account}/${nameOf(name)}` : nameOf(name);
  };
  const arnOf = (logicalId: string, attribute: string): string => {
    if (attribute !== 'Arn') throw new Error(`not known: ${logicalId}.${attribute}`);
    const isBucket = template.Resources[logicalId]?.Type === 'AWS::S3::Bucket';
    return isBucket
      ? `arn:aws:s3:::${nameOf(logicalId)}`
      : `arn:aws:sqs:${region}:${account}:${nameOf(logicalId)}`;
  };
  return resolve;
}

import type { PackagedFunction } from './packaged.ts';

/** A permission that no code of ours uses, and why the role has it all the same. */
export interface PermissionWithoutCall {
  action: string;
  resource: string;
  reason: string;
  /** Where AWS says so. */
  source: string;
}

/** What Lambda itself does in the name of a function's role. */
export function permissionsWithoutCall({
  name,
  deployedName,
  queueArn,
}: PackagedFunction): PermissionWithoutCall[] {
  const logs = ['logs:CreateLogStream', 'logs:PutLogEvents'].map((action) => ({
    action,
    resource: `arn:aws:logs:eu-west-2:000000000000:log-group:/aws/lambda/${deployedName}:*`,
    reason: 'Lambda writes what the function logs',
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html',
  }));
  const censuses = secondCensus
    .filter((each) => each.name === name)
    .map(({ prefix }) => ({
      action: 's3:GetObject',
      resource: `arn:aws:s3:::starlift-dev-ingested-000000000000-eu-west-2/${prefix}`,
      reason: 'a second census of a table is sent a quarter of an hour after the first one',
      source: 'docs/design.md, section 5.11',
    }));
  const unlisted = name === 'loading-expire' ? [rowsWithoutRoom] : [];
  if (queueArn === undefined) return [...logs, ...censuses, ...unlisted];
  const mapping = ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes'].map((action) => ({
    action,
    resource: queueArn,
    reason: 'the event source mapping reads the queue',
    source: 'https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html#events-sqs-permissions',
  }));
  return [...logs, ...mapping, ...censuses];
}

/** It is called in test/integration/operator/quarantine. */
const rowsWithoutRoom: PermissionWithoutCall = {
  action: 's3:GetObject',
  resource: 'arn:aws:s3:::starlift-dev-ingested-000000000000-eu-west-2/*.ndjson.zst',
  reason: 'the keys of bad rows for which a quarantine file had no room are in the ingested object',
  source: 'docs/design.md, section 5.15',
};

/** What is read of the census before. It is called in test/integration/operator/deletes. */
const secondCensus = [
  { name: 'ingestion-plan', prefix: 'state/censuses/verdicts/*' },
  { name: 'ingestion-extract', prefix: '.census/*' },
];

import { CloudWatchClient, DescribeAlarmsCommand } from '@aws-sdk/client-cloudwatch';
import { ListSubscriptionsByTopicCommand, SNSClient } from '@aws-sdk/client-sns';
import type { MiniStack } from './ministack.ts';
import { region } from './ministack.ts';

/** Name, without the stage's prefix: metric, of what, from where on. MiniStack publishes no SQS metrics. */
export const expectedAlarms = {
  'extract-dead-letters': 'ApproximateNumberOfMessagesVisible starlift-ci-extract-dlq 1',
  'transform-dead-letters': 'ApproximateNumberOfMessagesVisible starlift-ci-transform-dlq 1',
  'load-dead-letters': 'ApproximateNumberOfMessagesVisible starlift-ci-load-dlq 1',
  'extract-oldest-message': 'ApproximateAgeOfOldestMessage starlift-ci-extract 1800',
  'transform-oldest-message': 'ApproximateAgeOfOldestMessage starlift-ci-transform 1800',
  'load-oldest-message': 'ApproximateAgeOfOldestMessage starlift-ci-load 1800',
  'events-undelivered': 'FailedInvocations starlift-ci-events 1',
  'rows-quarantined': 'RowsQuarantined ci 1',
  'plan-missing': 'Invocations starlift-ingestion-ci-plan 1',
  'plan-errors': 'Errors starlift-ingestion-ci-plan 1',
  'plan-throttles': 'Throttles starlift-ingestion-ci-plan 1',
  'plan-duration': 'Duration starlift-ingestion-ci-plan 240000',
  'extract-errors': 'Errors starlift-ingestion-ci-extract 1',
  'extract-throttles': 'Throttles starlift-ingestion-ci-extract 1',
  'extract-duration': 'Duration starlift-ingestion-ci-extract 240000',
  'ingestion-sweep-errors': 'Errors starlift-ingestion-ci-sweep 1',
  'ingestion-sweep-throttles': 'Throttles starlift-ingestion-ci-sweep 1',
  'ingestion-sweep-duration': 'Duration starlift-ingestion-ci-sweep 240000',
  'transform-errors': 'Errors starlift-transformation-ci-transform 1',
  'transform-throttles': 'Throttles starlift-transformation-ci-transform 1',
  'transform-duration': 'Duration starlift-transformation-ci-transform 96000',
  'transformation-sweep-errors': 'Errors starlift-transformation-ci-sweep 1',
  'transformation-sweep-throttles': 'Throttles starlift-transformation-ci-sweep 1',
  'transformation-sweep-duration': 'Duration starlift-transformation-ci-sweep 240000',
  'load-errors': 'Errors starlift-loading-ci-load 1',
  'load-throttles': 'Throttles starlift-loading-ci-load 1',
  'load-duration': 'Duration starlift-loading-ci-load 240000',
  'loading-sweep-errors': 'Errors starlift-loading-ci-sweep 1',
  'loading-sweep-throttles': 'Throttles starlift-loading-ci-sweep 1',
  'loading-sweep-duration': 'Duration starlift-loading-ci-sweep 240000',
  'freshness-errors': 'Errors starlift-loading-ci-freshness 1',
  'freshness-throttles': 'Throttles starlift-loading-ci-freshness 1',
  'freshness-duration': 'Duration starlift-loading-ci-freshness 48000',
  lag: 'GreatestLagSeconds ci 900',
  'exact-lag': 'GreatestExactLagSeconds ci 86400',
};

/** The deployed alarms, all of which write to the stage's topic, and who reads that. */
export async function readAlarms({ endpoint }: MiniStack) {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const connection = { endpoint, region, credentials };
  const TopicArn = `arn:aws:sns:${region}:000000000000:starlift-ci-alarms`;
  const { MetricAlarms = [] } = await new CloudWatchClient(connection).send(new DescribeAlarmsCommand({}));
  const told = MetricAlarms.filter(({ AlarmActions }) => AlarmActions?.includes(TopicArn));
  const alarms = told.map(({ AlarmName = '', MetricName, Dimensions, Threshold }) => [
    AlarmName.replace('starlift-ci-', ''),
    `${MetricName} ${Dimensions?.map(({ Value }) => Value).join(' ')} ${Threshold}`,
  ]);
  const sns = new SNSClient(connection);
  const { Subscriptions = [] } = await sns.send(new ListSubscriptionsByTopicCommand({ TopicArn }));
  return { alarms: Object.fromEntries(alarms), subscribers: Subscriptions.map((each) => each.Endpoint) };
}

import {
  DescribeAlarmsCommand,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import { CreateTopicCommand, SubscribeCommand } from '@aws-sdk/client-sns';
import { definePiece } from '../piece.ts';
import { makeQueue, queueArn, take } from '../queues.ts';
import type { Service } from '../service.ts';

const AlarmName = 'contract-quarantined';
const metric = { Namespace: 'Starlift', MetricName: 'RowsQuarantined' };
const dimensions = [{ Name: 'stage', Value: 'contract' }];

export const customMetricAlarm = definePiece({
  name: 'an alarm on a custom metric',
  source: 'https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html',
  slow: true,
  aws: {
    told: [{ AlarmName, NewStateValue: 'ALARM', MetricName: metric.MetricName, Threshold: 1 }],
    state: 'ALARM',
  },
  observe: async (service) => {
    const { cloudWatch } = service.clients;
    const { TopicArn, queueUrl } = await makeTopic(service);
    await cloudWatch.send(
      new PutMetricAlarmCommand({
        AlarmName,
        ...metric,
        Dimensions: dimensions,
        Statistic: 'Maximum',
        Period: 60,
        EvaluationPeriods: 1,
        DatapointsToAlarm: 1,
        Threshold: 1,
        ComparisonOperator: 'GreaterThanOrEqualToThreshold',
        TreatMissingData: 'notBreaching',
        AlarmActions: [TopicArn],
      }),
    );
    const MetricData = [{ MetricName: metric.MetricName, Dimensions: dimensions, Value: 2 }];
    await cloudWatch.send(new PutMetricDataCommand({ Namespace: metric.Namespace, MetricData }));
    const messages = await take(service, queueUrl, 1, 130);
    const { MetricAlarms } = await cloudWatch.send(new DescribeAlarmsCommand({ AlarmNames: [AlarmName] }));
    return {
      told: messages.map(({ Body = '{}' }) => {
        const { Trigger, ...change } = JSON.parse(JSON.parse(Body).Message);
        return {
          AlarmName: change.AlarmName,
          NewStateValue: change.NewStateValue,
          MetricName: Trigger?.MetricName,
          Threshold: Trigger?.Threshold,
        };
      }),
      state: MetricAlarms?.[0]?.StateValue,
    };
  },
});

async function makeTopic(service: Service): Promise<{ TopicArn: string; queueUrl: string }> {
  const { sns } = service.clients;
  const queueUrl = await makeQueue(service, 'contract-alarms');
  const { TopicArn = '' } = await sns.send(new CreateTopicCommand({ Name: 'contract-alarms' }));
  const Endpoint = queueArn(service, 'contract-alarms');
  await sns.send(new SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint }));
  return { TopicArn, queueUrl };
}

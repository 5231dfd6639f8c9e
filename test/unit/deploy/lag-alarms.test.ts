import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';

interface Alarm {
  Type: string;
  Properties: Record<string, unknown>;
}
const makeResources = createRequire(import.meta.url)(
  '../../../services/loading/resources/lag-alarms.cjs',
) as (facts: {
  resolveVariable(name: string): Promise<string>;
}) => Promise<{ Resources: Record<string, Alarm> }>;

const variables: Record<string, string> = {
  'sls:stage': 'dev',
  'param:lagObjectiveSeconds': '900',
  'self:custom.upstream.alarmTopicArn': 'arn:aws:sns:eu-west-2:000000000000:starlift-dev-alarms',
};
const readAlarms = async () => {
  const { Resources } = await makeResources({ resolveVariable: async (name) => variables[name] ?? '' });
  return Resources;
};

describe('the lag alarms', () => {
  it('are one for each file of a warehouse table, with nothing to add elsewhere', async () => {
    const files = readdirSync(new URL('../../../shared/model/tables', import.meta.url));
    const tables = files.filter((file) => /^(dim|fact)-/.test(file)).map((file) => file.replace(/\.ts$/, ''));
    const alarms = Object.values(await readAlarms()).map(({ Properties }) => Properties.AlarmName);
    expect(alarms.sort()).toEqual(
      tables.map((name) => `starlift-dev-lag-${name.replaceAll('-', '_')}`).sort(),
    );
  });

  it('ring for a table above its objective, and for one that nobody measures', async () => {
    expect((await readAlarms()).FactPaymentLagAlarm).toEqual({
      Type: 'AWS::CloudWatch::Alarm',
      Properties: {
        AlarmName: 'starlift-dev-lag-fact_payment',
        AlarmDescription: expect.stringContaining('fact_payment'),
        Namespace: 'Starlift',
        MetricName: 'LagSeconds',
        Statistic: 'Maximum',
        Dimensions: [
          { Name: 'stage', Value: 'dev' },
          { Name: 'table', Value: 'fact_payment' },
        ],
        Period: 300,
        EvaluationPeriods: 2,
        DatapointsToAlarm: 2,
        Threshold: 900,
        ComparisonOperator: 'GreaterThanThreshold',
        TreatMissingData: 'breaching',
        AlarmActions: [variables['self:custom.upstream.alarmTopicArn']],
        OKActions: [variables['self:custom.upstream.alarmTopicArn']],
      },
    });
  });
});

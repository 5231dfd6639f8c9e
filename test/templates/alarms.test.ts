import { describe, expect, it } from '@jest/globals';
import { readFunctions, readTemplate, services } from './packaged.ts';

const alarms = services.flatMap((service) =>
  Object.values(readTemplate(service).Resources)
    .filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm')
    .map(({ Properties }) => Properties as Record<string, unknown> & { Dimensions: { Value: string }[] }),
);

describe('the alarms of the packaged templates', () => {
  it('watch functions of the stage, with ranges that follow from its schedules', () => {
    const names = readFunctions().map(({ deployedName }) => deployedName);
    const errors = alarms.filter(({ MetricName }) => MetricName === 'Errors');
    expect(errors.map(({ Dimensions }) => Dimensions[0]?.Value).sort()).toEqual([...names].sort());
    const sweeps = errors.filter(({ AlarmName }) => String(AlarmName).includes('sweep'));
    expect(sweeps.map(({ Period, EvaluationPeriods }) => [Period, EvaluationPeriods])).toEqual(
      sweeps.map(() => [900, 5]),
    );
  });

  it('are written to the topic, when they begin and when they end', () => {
    for (const { AlarmActions, OKActions } of alarms) {
      expect(AlarmActions).toHaveLength(1);
      expect(OKActions).toEqual(AlarmActions);
    }
  });

  it('do not take a pause of the schedule for lag: freshness knows the schedule', () => {
    const freshness = readFunctions().find(({ name }) => name === 'loading-freshness');
    expect(freshness?.environment.PLAN_SCHEDULE).toBe('rate(5 minutes)');
  });
});

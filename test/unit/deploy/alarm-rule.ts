/** A data point: `X` breaches the threshold, `0` does not, `-` is missing. */
export type DataPoint = 'X' | '0' | '-';

export interface EvaluatedAlarm {
  EvaluationPeriods: number;
  DatapointsToAlarm: number;
  TreatMissingData: 'breaching' | 'notBreaching';
}

/**
 * The state that CloudWatch gives an alarm, as
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html has it: of more data points
 * than are evaluated, missing ones are filled in as rarely as possible.
 *
 * @param points of the evaluation range, oldest first: at least as many as the evaluation periods
 */
export function evaluateAlarm(alarm: EvaluatedAlarm, points: readonly DataPoint[]): 'ALARM' | 'OK' {
  const real = points.filter((point) => point !== '-').slice(-alarm.EvaluationPeriods);
  const filled = alarm.EvaluationPeriods - real.length;
  const breaching = real.filter((point) => point === 'X').length;
  const counted = breaching + (alarm.TreatMissingData === 'breaching' ? filled : 0);
  return counted >= alarm.DatapointsToAlarm ? 'ALARM' : 'OK';
}

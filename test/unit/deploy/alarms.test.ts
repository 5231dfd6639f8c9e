import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';
import { findIntervals, findNextDue, lateSeconds, parseSchedule } from '../../../shared/schedule.ts';
import { type DataPoint, type EvaluatedAlarm, evaluateAlarm } from './alarm-rule.ts';

const { makeAlarms } = createRequire(import.meta.url)(
  '../../../scripts/stage/alarms.cjs',
) as typeof import('../../../scripts/stage/alarms.cjs');

interface Properties extends EvaluatedAlarm {
  Period: number;
  Threshold: number;
}

const alarmOf = (
  service: 'ingestion' | 'loading',
  id: string,
  schedules: Partial<Record<'schedule' | 'sweepSchedule' | 'freshnessSchedule', string>>,
): Properties => {
  const parameters = {
    schedules: {
      schedule: parseSchedule(schedules.schedule ?? 'rate(5 minutes)'),
      sweepSchedule: parseSchedule(schedules.sweepSchedule ?? 'rate(15 minutes)'),
      freshnessSchedule: parseSchedule(schedules.freshnessSchedule ?? 'rate(5 minutes)'),
      expireSchedule: parseSchedule('rate(1 day)'),
    },
    ...{ oldestMessageSeconds: 1800, lagObjectiveSeconds: 900, exactLagObjectiveSeconds: 86_400 },
    timeouts: { plan: 300, extract: 300, transform: 120, load: 300, sweep: 300, freshness: 60, expire: 900 },
  };
  const resource = makeAlarms(service, parameters, findIntervals)[`${id}Alarm`];
  if (resource === undefined) throw new Error(`there is no alarm ${id}`);
  return resource.Properties as Properties;
};

/** Of a Monday. */
const start = Date.parse('2026-11-30T00:00:00Z');
const dayMs = 86_400_000;

/** When a function is invoked: EventBridge is up to a minute late. */
function invocations(schedule: string, days: number): number[] {
  const parsed = parseSchedule(schedule);
  const times: number[] = [];
  const isCron = parsed.kind === 'cron';
  let due = isCron ? findNextDue(parsed, new Date(start)).getTime() : start;
  for (let index = 0; due < start + days * dayMs; index++) {
    times.push(due + ((index * 37_000) % 59_000));
    due = parsed.kind === 'rate' ? due + parsed.seconds * 1000 : findNextDue(parsed, new Date(due)).getTime();
  }
  return times;
}

type Value = 'bad' | 'good';

/**
 * The states of an alarm over a series, evaluated every minute, with one more data point than it evaluates, and with as many
 * more as in AWS' own tables.
 */
function statesOf(alarm: Properties, series: ReadonlyMap<number, Value>, untilMs: number) {
  const times = [...series.keys()].sort((a, b) => a - b);
  return [1, 2].map((more) => {
    const range = alarm.EvaluationPeriods + more;
    const states: { at: number; state: 'ALARM' | 'OK' }[] = [];
    // What came before the series was healthy.
    const first = start + range * alarm.Period * 1000;
    for (let at = first; at < untilMs; at += 60_000) {
      const points: DataPoint[] = [];
      for (let back = range; back > 0; back--) {
        const from = at - back * alarm.Period * 1000;
        const inPeriod = valuesBetween(times, series, from, from + alarm.Period * 1000);
        points.push(inPeriod.length === 0 ? '-' : inPeriod.includes('bad') ? 'X' : '0');
      }
      states.push({ at, state: evaluateAlarm(alarm, points) });
    }
    return states;
  });
}

function valuesBetween(
  times: number[],
  series: ReadonlyMap<number, Value>,
  from: number,
  to: number,
): Value[] {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < from) low = middle + 1;
    else high = middle;
  }
  const values: Value[] = [];
  for (let index = low; (times[index] ?? to) < to; index++) {
    const value = series.get(times[index] ?? 0);
    if (value !== undefined) values.push(value);
  }
  return values;
}

/** How often it has rung, when first after the series' beginning (in seconds), and what it says in the end. */
function summarize(alarm: Properties, series: ReadonlyMap<number, Value>, days: number) {
  return statesOf(alarm, series, start + days * dayMs).map((states) => {
    const rings = states.filter(
      ({ state }, index) => state === 'ALARM' && states[index - 1]?.state !== 'ALARM',
    );
    return {
      rings: rings.length,
      after: rings[0] === undefined ? undefined : (rings[0].at - start) / 1000,
      end: states.at(-1)?.state,
    };
  });
}

const seriesOf = (times: readonly number[], valueAt: (index: number) => Value) =>
  new Map(times.map((time, index) => [time, valueAt(index)]));

const rates = [
  'rate(1 minute)',
  'rate(5 minutes)',
  'rate(7 minutes)',
  'rate(15 minutes)',
  'rate(1 hour)',
  'rate(12 hours)',
];
const office = 'cron(0/5 8-17 ? * MON-FRI *)';
const twice = 'cron(0 8,9 * * ? *)';

describe("AWS' rule of evaluation", () => {
  // The two tables of the page, the columns BREACHING and NOT BREACHING.
  it.each([
    [3, '0-X-X', 'OK', 'OK'],
    [3, '0----', 'OK', 'OK'],
    [3, '-----', 'ALARM', 'OK'],
    [3, '0XX-X', 'ALARM', 'ALARM'],
    [3, '----X', 'ALARM', 'OK'],
    [3, 'X----', 'ALARM', 'OK'],
    [2, '0-X-X', 'ALARM', 'ALARM'],
    [2, '00X0X', 'ALARM', 'ALARM'],
    [2, '0-X--', 'ALARM', 'OK'],
    [2, '----0', 'ALARM', 'OK'],
    [2, '----X', 'ALARM', 'OK'],
  ])('%i of 3 with %s', (DatapointsToAlarm, points, breaching, notBreaching) => {
    const evaluate = (TreatMissingData: 'breaching' | 'notBreaching') =>
      evaluateAlarm({ EvaluationPeriods: 3, DatapointsToAlarm, TreatMissingData }, [
        ...points,
      ] as DataPoint[]);
    expect([evaluate('breaching'), evaluate('notBreaching')]).toEqual([breaching, notBreaching]);
  });
});

/** A schedule with pauses ends an alarm at each of them. */
const ringsAtMost = (schedule: string) => (schedule.startsWith('cron') ? 4 : 1);

describe('an alarm on the errors of a scheduled function', () => {
  const days = (schedule: string) => (schedule === 'rate(12 hours)' ? 14 : 4);

  describe.each([...rates, office, twice])('at %s', (sweepSchedule) => {
    const alarm = alarmOf('ingestion', 'SweepErrors', { sweepSchedule });
    const times = invocations(sweepSchedule, days(sweepSchedule));
    const { shortest } = findIntervals(parseSchedule(sweepSchedule));

    it('never rings while it works, nor for one failure', () => {
      expect(
        summarize(
          alarm,
          seriesOf(times, () => 'good'),
          days(sweepSchedule),
        ).map(({ rings }) => rings),
      ).toEqual([0, 0]);
      const once = seriesOf(times, (index) => (index === times.length >> 1 ? 'bad' : 'good'));
      expect(summarize(alarm, once, days(sweepSchedule)).map(({ rings }) => rings)).toEqual([0, 0]);
    });

    it('rings when it always fails, soon, and once until the schedule pauses', () => {
      for (const { rings, after } of summarize(
        alarm,
        seriesOf(times, () => 'bad'),
        days(sweepSchedule),
      )) {
        expect(rings).toBeGreaterThanOrEqual(1);
        expect(rings).toBeLessThanOrEqual(ringsAtMost(sweepSchedule));
        const begins = (times[0] ?? 0) - start;
        expect(after).toBeLessThanOrEqual(begins / 1000 + (alarm.EvaluationPeriods + 3) * alarm.Period);
      }
    });

    it('asks for what PutMetricAlarm takes', () => {
      expect(alarm.Period % 60).toBe(0);
      expect(alarm.Period * alarm.EvaluationPeriods).toBeLessThanOrEqual(
        alarm.Period < 3600 ? dayMs / 1000 : 7 * 86_400,
      );
      expect(alarm.Period).toBeGreaterThanOrEqual(Math.min(86_400, shortest));
    });
  });

  it.each([...rates, office])(
    'rings when every second try fails at %s, and goes on ringing',
    (sweepSchedule) => {
      const alarm = alarmOf('ingestion', 'SweepErrors', { sweepSchedule });
      const times = invocations(sweepSchedule, days(sweepSchedule));
      const half = seriesOf(times, (index) => (index % 2 === 0 ? 'bad' : 'good'));
      for (const { rings } of summarize(alarm, half, days(sweepSchedule))) {
        expect(rings).toBeGreaterThanOrEqual(1);
        expect(rings).toBeLessThanOrEqual(ringsAtMost(sweepSchedule));
      }
    },
  );
});

describe('the alarm on missing plans', () => {
  const days = (schedule: string) => (schedule === 'rate(1 day)' ? 21 : 14);

  it.each([...rates, 'rate(1 day)', office, twice])(
    'at %s rings when plans end, and never while they come',
    (schedule) => {
      const alarm = alarmOf('ingestion', 'PlanMissing', { schedule });
      const times = invocations(schedule, days(schedule));
      const healthy = summarize(
        alarm,
        seriesOf(times, () => 'good'),
        days(schedule),
      );
      expect(healthy.map(({ rings }) => rings)).toEqual([0, 0]);
      const dead = seriesOf(
        times.filter((time) => time < start + 3 * dayMs),
        () => 'good',
      );
      for (const { rings, end } of summarize(alarm, dead, days(schedule))) {
        expect({ rings, end }).toEqual({ rings: 1, end: 'ALARM' });
      }
      expect(alarm.Period * alarm.EvaluationPeriods).toBeLessThanOrEqual(
        alarm.Period < 3600 ? dayMs / 1000 : 7 * 86_400,
      );
    },
  );

  it('at 5 minutes rings within the hour', () => {
    const times = invocations('rate(5 minutes)', 1).filter((time) => time < start + dayMs / 2);
    const alarm = alarmOf('ingestion', 'PlanMissing', {});
    for (const { after } of summarize(
      alarm,
      seriesOf(times, () => 'good'),
      1,
    )) {
      expect(after).toBeGreaterThan(43_200 + 1800);
      expect(after).toBeLessThan(43_200 + 3600);
    }
  });
});

describe('the alarm on lag', () => {
  const alarm = alarmOf('loading', 'Lag', {});
  const measured = invocations('rate(5 minutes)', 7);

  /** A plan captures what there is; it is loaded half a minute later. */
  const lagSeries = (schedule: string, plans: readonly number[], isMeasured = (_: number) => true) => {
    const parsed = parseSchedule(schedule);
    return new Map(
      measured
        .filter((_, index) => isMeasured(index))
        .map((at): [number, Value] => {
          const asOf = plans.filter((plan) => plan + 30_000 <= at).at(-1) ?? start;
          return [at, lateSeconds(new Date(asOf), new Date(at), parsed) > alarm.Threshold ? 'bad' : 'good'];
        }),
    );
  };

  it.each(['rate(1 minute)', 'rate(5 minutes)', 'rate(7 minutes)', office, twice])(
    'under %s never rings while plans come, by night neither, and rings when they end',
    (schedule) => {
      const plans = invocations(schedule, 7);
      const rings = (series: ReadonlyMap<number, Value>) =>
        summarize(alarm, series, 7).map((each) => each.rings);
      expect(rings(lagSeries(schedule, plans))).toEqual([0, 0]);
      const dead = lagSeries(
        schedule,
        plans.filter((plan) => plan < start + 2.5 * dayMs),
      );
      expect(rings(dead)).toEqual([1, 1]);
    },
  );

  it('rings when nothing is measured, and not when every second measurement is missing', () => {
    const plans = invocations('rate(5 minutes)', 7);
    const half = lagSeries('rate(5 minutes)', plans, (index) => index % 2 === 0);
    expect(summarize(alarm, half, 7).map(({ rings }) => rings)).toEqual([0, 0]);
    const none = lagSeries('rate(5 minutes)', plans, (index) => index < 500);
    expect(summarize(alarm, none, 7)).toEqual([
      expect.objectContaining({ rings: 1, end: 'ALARM' }),
      expect.objectContaining({ rings: 1, end: 'ALARM' }),
    ]);
  });
});

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of osls, which puts the values in.
/**
 * @typedef {import('../../shared/schedule.ts').Schedule} Schedule
 * @typedef {'schedule' | 'sweepSchedule' | 'freshnessSchedule' | 'expireSchedule'} ScheduleName
 * @typedef {'ingestion' | 'transformation' | 'loading'} Service
 * @typedef {{
 *   schedules: Record<ScheduleName, Schedule>,
 *   timeouts: Record<string, number>,
 *   oldestMessageSeconds: number,
 *   lagObjectiveSeconds: number,
 *   exactLagObjectiveSeconds: number,
 * }} AlarmParameters
 * @typedef {{ period: number, of: number, breaching: number }} Range how many data points of how many periods
 * @typedef {Record<string, unknown>} Alarm
 */

/**
 * The functions of each service. `schedule` says what sets its pace: the functions behind a queue have work when a plan has
 * found something. `alarm` is the function's part of the alarms' names.
 *
 * @type {Record<Service, { name: string, id: string, alarm: string, schedule: ScheduleName, queue?: string, condition?: string }[]>}
 */
const functions = {
  ingestion: [
    { name: 'plan', id: 'Plan', alarm: 'plan', schedule: 'schedule' },
    { name: 'extract', id: 'Extract', alarm: 'extract', schedule: 'schedule', queue: 'extract' },
    { name: 'sweep', id: 'Sweep', alarm: 'ingestion-sweep', schedule: 'sweepSchedule' },
  ],
  transformation: [
    { name: 'transform', id: 'Transform', alarm: 'transform', schedule: 'schedule', queue: 'transform' },
    { name: 'sweep', id: 'Sweep', alarm: 'transformation-sweep', schedule: 'sweepSchedule' },
  ],
  loading: [
    { name: 'load', id: 'Load', alarm: 'load', schedule: 'schedule', queue: 'load' },
    { name: 'sweep', id: 'Sweep', alarm: 'loading-sweep', schedule: 'sweepSchedule' },
    { name: 'freshness', id: 'Freshness', alarm: 'freshness', schedule: 'freshnessSchedule' },
    { name: 'expire', id: 'Expire', alarm: 'expire', schedule: 'expireSchedule', condition: 'Expires' },
  ],
};

const longestPeriod = 86_400;

/** @param {number} seconds a period is a multiple of a minute, and at most a day */
const toPeriod = (seconds) => Math.min(longestPeriod, Math.max(300, Math.ceil(seconds / 60) * 60));

/**
 * In which periods a function's failures are counted. A period as long as its schedule has a data point, so that five of
 * them have two failures of a function that fails every second time. An hour at least, because an alarm that ends between
 * two failures writes a mail for each.
 *
 * @param {{ shortest: number }} intervals
 * @returns {Range}
 */
function rangeOfFailures({ shortest }) {
  const period = toPeriod(shortest);
  return { period, of: Math.max(5, Math.ceil(3600 / period)), breaching: 2 };
}

/**
 * After how long without any plan the alarm rings: three plans, and half an hour at least. Under a cron schedule that is
 * longer than its longest pause; what is late by day is the lag alarm's business.
 *
 * @param {{ longest: number }} intervals
 * @returns {Range}
 */
function rangeOfAbsence({ longest }) {
  const period = toPeriod(Math.max(600, longest));
  const of = Math.max(3, Math.ceil(longest / period) + 1);
  return { period, of, breaching: of };
}

/** The longest pause of a schedule whose absence can be watched: an alarm looks at seven days at most. */
const longestPauseSeconds = 6 * 86_400;

/**
 * The alarms of a service, as CloudFormation resources. Their periods follow from the schedules.
 *
 * @param {Service} service
 * @param {AlarmParameters} parameters
 * @param {(schedule: Schedule) => { shortest: number, longest: number }} findIntervals
 * @returns {Record<string, Alarm>}
 */
function makeAlarms(service, parameters, findIntervals) {
  const action =
    service === 'ingestion' ? '${self:custom.alarmTopic}' : '${self:custom.upstream.alarmTopicArn}';
  /** @type {Record<string, Alarm>} */
  const alarms = {};
  /**
   * @param {string} id
   * @param {string} name
   * @param {string} description
   * @param {Range} range
   * @param {Record<string, unknown>} rest
   */
  const add = (id, name, description, { period, of, breaching }, rest) => {
    alarms[`${id}Alarm`] = {
      Type: 'AWS::CloudWatch::Alarm',
      Properties: {
        AlarmName: `starlift-\${sls:stage}-${name}`,
        AlarmDescription: description,
        ...{ Period: period, EvaluationPeriods: of, DatapointsToAlarm: breaching },
        ...{ ComparisonOperator: 'GreaterThanOrEqualToThreshold', TreatMissingData: 'notBreaching' },
        ...{ AlarmActions: [action], OKActions: [action] },
        ...rest,
      },
    };
  };
  for (const { name, id, alarm, schedule, queue, condition } of functions[service]) {
    const intervals = findIntervals(parameters.schedules[schedule]);
    const failures = rangeOfFailures(intervals);
    const within = formatDuration(failures.of * failures.period);
    const ofFunction = ofDimension('AWS/Lambda', 'FunctionName', `\${self:service}-\${sls:stage}-${name}`);
    const seconds = parameters.timeouts[name] ?? 0;
    add(`${id}Errors`, `${alarm}-errors`, `${name} failed twice within ${within}`, failures, {
      ...{ ...ofFunction, MetricName: 'Errors', Statistic: 'Sum', Threshold: 1 },
    });
    add(
      `${id}Throttles`,
      `${alarm}-throttles`,
      `Lambda refused twice within ${within} to run ${name}`,
      failures,
      {
        ...{ ...ofFunction, MetricName: 'Throttles', Statistic: 'Sum', Threshold: 1 },
      },
    );
    add(
      `${id}Duration`,
      `${alarm}-duration`,
      `${name} took more than 80 % of its ${seconds} s twice within ${within}`,
      failures,
      {
        ...{ ...ofFunction, MetricName: 'Duration', ExtendedStatistic: 'p95', Threshold: seconds * 800 },
        ComparisonOperator: 'GreaterThanThreshold',
      },
    );
    if (queue !== undefined) addQueue(id, queue);
    for (const each of ['Errors', 'Throttles', 'Duration']) {
      if (condition !== undefined) Object.assign(alarms[`${id}${each}Alarm`] ?? {}, { Condition: condition });
    }
  }
  if (service === 'ingestion') addPlanMissing();
  if (service === 'ingestion') addUndelivered();
  if (service === 'transformation') addQuarantined();
  if (service === 'loading') addLag();
  return alarms;

  /**
   * @param {string} id
   * @param {string} queue
   */
  function addQueue(id, queue) {
    // Whoever looks at the letters holds them for a second: one minute without any is not the end of it.
    const letters = { period: 60, of: 2, breaching: 1 };
    add(
      `${id}DeadLetters`,
      `${queue}-dead-letters`,
      `Messages of the ${queue} queue failed for good`,
      letters,
      {
        ...ofDimension('AWS/SQS', 'QueueName', `starlift-\${sls:stage}-${queue}-dlq`),
        ...{ MetricName: 'ApproximateNumberOfMessagesVisible', Statistic: 'Maximum', Threshold: 1 },
      },
    );
    const oldest = { period: 300, of: 1, breaching: 1 };
    add(
      `${id}OldestMessage`,
      `${queue}-oldest-message`,
      `The ${queue} queue is not being worked off`,
      oldest,
      {
        ...ofDimension('AWS/SQS', 'QueueName', `starlift-\${sls:stage}-${queue}`),
        ...{ MetricName: 'ApproximateAgeOfOldestMessage', Statistic: 'Maximum' },
        Threshold: parameters.oldestMessageSeconds,
      },
    );
  }

  /** EventBridge has given up on delivering: the topic is gone, or its role may not write to it. */
  function addUndelivered() {
    const range = { period: 300, of: 12, breaching: 1 };
    add('EventsUndelivered', 'events-undelivered', 'Events of failures reached nobody', range, {
      ...ofDimension('AWS/Events', 'RuleName', 'starlift-${sls:stage}-events'),
      ...{ MetricName: 'FailedInvocations', Statistic: 'Sum', Threshold: 1 },
    });
  }

  /** It ends an hour after the last one. */
  function addQuarantined() {
    const range = { period: 300, of: 12, breaching: 1 };
    add(
      'RowsQuarantined',
      'rows-quarantined',
      'Rows broke the contract and are not in the warehouse',
      range,
      {
        ...ofDimension('Starlift', 'stage', '${sls:stage}'),
        ...{ MetricName: 'RowsQuarantined', Statistic: 'Sum', Threshold: 1 },
      },
    );
  }

  /** Whatever else is wrong: without plans nothing is fresh. No data is no plan. */
  function addPlanMissing() {
    const range = rangeOfAbsence(findIntervals(parameters.schedules.schedule));
    const description = `The source has not been asked for ${formatDuration(range.of * range.period)}`;
    add('PlanMissing', 'plan-missing', description, range, {
      ...ofDimension('AWS/Lambda', 'FunctionName', '${self:service}-${sls:stage}-plan'),
      ...{ MetricName: 'Invocations', Statistic: 'Sum', Threshold: 1 },
      ...{ ComparisonOperator: 'LessThanThreshold', TreatMissingData: 'breaching' },
    });
  }

  /**
   * Two measurements in a row have to be late, or missing: a pipeline that does not even measure is late too. The metric has
   * one value for the whole stage, so that another model needs no other alarm.
   */
  function addLag() {
    const { longest } = findIntervals(parameters.schedules.freshnessSchedule);
    const range = { period: toPeriod(longest), of: 2, breaching: 2 };
    const description =
      'A table lacks what the source has had for longer than the objective, or nobody knows';
    add('Lag', 'lag', description, range, {
      ...ofDimension('Starlift', 'stage', '${sls:stage}'),
      ...{
        MetricName: 'GreatestLagSeconds',
        Statistic: 'Maximum',
        Threshold: parameters.lagObjectiveSeconds,
      },
      ...{ ComparisonOperator: 'GreaterThanThreshold', TreatMissingData: 'breaching' },
    });
    // A measurement that is missing is the other alarm's.
    const exact = 'Nothing has looked at the whole of a table for longer than the objective';
    add('ExactLag', 'exact-lag', exact, range, {
      ...ofDimension('Starlift', 'stage', '${sls:stage}'),
      ...{
        MetricName: 'GreatestExactLagSeconds',
        Statistic: 'Maximum',
        Threshold: parameters.exactLagObjectiveSeconds,
      },
      ...{ ComparisonOperator: 'GreaterThanThreshold', TreatMissingData: 'notBreaching' },
    });
  }
}

/**
 * @param {string} Namespace
 * @param {string} Name
 * @param {string} Value
 */
const ofDimension = (Namespace, Name, Value) => ({ Namespace, Dimensions: [{ Name, Value }] });

/** @param {number} seconds */
function formatDuration(seconds) {
  const hours = seconds / 3600;
  if (seconds % 3600 !== 0) return `${Math.round(seconds / 60)} minutes`;
  return hours === 1 ? 'an hour' : hours % 24 === 0 && hours > 24 ? `${hours / 24} days` : `${hours} hours`;
}

module.exports = { longestPauseSeconds, makeAlarms };

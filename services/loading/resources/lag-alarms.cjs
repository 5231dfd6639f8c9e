/**
 * An alarm for each warehouse table of the model that is older than the stage's objective. Two measurements in a row
 * have to be late, or missing: a pipeline that does not even measure is late too.
 *
 * @param {{ resolveVariable(name: string): Promise<string> }} variables osls' own
 */
module.exports = async ({ resolveVariable }) => {
  // Node 24 runs the model as it is.
  const { starSchema } = await import('../../../shared/model/star-schema.ts');
  const stage = await resolveVariable('sls:stage');
  const seconds = Number(await resolveVariable('param:lagObjectiveSeconds'));
  const topic = await resolveVariable('self:custom.upstream.alarmTopicArn');
  const alarms = starSchema.tables.map(({ name }) => [
    logicalId(name),
    makeAlarm(name, { stage, seconds, topic }),
  ]);
  return { Resources: Object.fromEntries(alarms) };
};

/**
 * dim_payment_type is DimPaymentTypeLagAlarm: logical ids are letters and digits.
 *
 * @param {string} table
 */
const logicalId = (table) =>
  `${table.replace(/(?:^|[^a-z0-9]+)([a-z0-9])/gi, (_, /** @type {string} */ first) => first.toUpperCase())}LagAlarm`;

/**
 * @param {string} table
 * @param {{ stage: string, seconds: number, topic: string }} of
 */
const makeAlarm = (table, { stage, seconds, topic }) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    AlarmName: `starlift-${stage}-lag-${table}`,
    AlarmDescription: `${table} lacks what the source has had for more than ${seconds} s, or nobody knows`,
    Namespace: 'Starlift',
    MetricName: 'LagSeconds',
    Dimensions: [
      { Name: 'stage', Value: stage },
      { Name: 'table', Value: table },
    ],
    Statistic: 'Maximum',
    Period: 300,
    EvaluationPeriods: 2,
    DatapointsToAlarm: 2,
    Threshold: seconds,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'breaching',
    AlarmActions: [topic],
    OKActions: [topic],
  },
});

import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import middy from '@middy/core';
import { withMetrics } from '../../../shared/handler/with-metrics.ts';
import { makeTableMetrics } from '../../../shared/metrics.ts';

describe('the metrics of a stage', () => {
  let written: string[] = [];
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => written.push(String(chunk)) > 0);
  beforeEach(() => {
    process.env.POWERTOOLS_METRICS_DISABLED = 'false';
    written = [];
  });
  const lines = (): unknown[] => written.map((line) => JSON.parse(line));

  // https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
  it('are one line a table in the embedded metric format, by stage and table and nothing else', () => {
    const metrics = makeTableMetrics('dev');
    metrics.add('dim_staff', { RowsLoaded: 20 });
    metrics.add('fact_payment', { LagSeconds: 1.5, RowsWaiting: 0 });
    metrics.flush();
    const Dimensions = [['stage', 'table']];
    expect(lines()).toEqual([
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            { Namespace: 'Starlift', Dimensions, Metrics: [{ Name: 'RowsLoaded', Unit: 'Count' }] },
          ],
        },
        stage: 'dev',
        table: 'dim_staff',
        RowsLoaded: 20,
      },
      {
        _aws: {
          Timestamp: expect.any(Number),
          CloudWatchMetrics: [
            {
              Namespace: 'Starlift',
              Dimensions,
              Metrics: [
                { Name: 'LagSeconds', Unit: 'Seconds' },
                { Name: 'RowsWaiting', Unit: 'Count' },
              ],
            },
          ],
        },
        stage: 'dev',
        table: 'fact_payment',
        LagSeconds: 1.5,
        RowsWaiting: 0,
      },
    ]);
  });

  it('of one invocation add up, and begin anew with the next', async () => {
    const metrics = makeTableMetrics('dev');
    const handler = middy(async (rows: number[]) => {
      for (const count of rows) metrics.add('design', { RowsExtracted: count });
    }).use(withMetrics(metrics));
    await handler([1, 2], {} as never);
    await handler([], {} as never);
    await handler([4], {} as never);
    expect(lines()).toMatchObject([{ RowsExtracted: 3 }, { RowsExtracted: 4 }]);
  });

  it('of an invocation that fails are written too', async () => {
    const metrics = makeTableMetrics('dev');
    const handler = middy(async () => {
      metrics.add('design', { RowsExtracted: 5 });
      throw new Error('the second record');
    }).use(withMetrics(metrics));
    await expect(handler({}, {} as never)).rejects.toThrow('the second record');
    expect(lines()).toMatchObject([{ table: 'design', RowsExtracted: 5 }]);
  });

  it('have the greatest lag of the whole stage, without a table', () => {
    const metrics = makeTableMetrics('dev');
    metrics.add('dim_staff', { LagSeconds: 3 });
    metrics.addGreatestLag(7, 9);
    metrics.flush();
    metrics.flush();
    const [, stage, ...more] = lines();
    expect(more).toEqual([]);
    expect(stage).toEqual({
      _aws: {
        Timestamp: expect.any(Number),
        CloudWatchMetrics: [
          {
            Namespace: 'Starlift',
            Dimensions: [['stage']],
            Metrics: [
              { Name: 'GreatestLagSeconds', Unit: 'Seconds' },
              { Name: 'GreatestExactLagSeconds', Unit: 'Seconds' },
            ],
          },
        ],
      },
      stage: 'dev',
      GreatestLagSeconds: 7,
      GreatestExactLagSeconds: 9,
    });
  });

  it('have the quarantined rows of all tables, without a table', () => {
    const metrics = makeTableMetrics('dev');
    metrics.add('dim_staff', { RowsTransformed: 3, RowsQuarantined: 2 });
    metrics.add('dim_design', { RowsQuarantined: 5 });
    metrics.flush();
    metrics.flush();
    const ofStage = lines().filter((line) => !('table' in (line as object)));
    expect(ofStage).toEqual([{ _aws: expect.anything(), stage: 'dev', RowsQuarantined: 7 }]);
  });

  it('are not written where they are disabled', () => {
    process.env.POWERTOOLS_METRICS_DISABLED = 'true';
    const metrics = makeTableMetrics('dev');
    metrics.add('design', { RowsExtracted: 5 });
    metrics.flush();
    expect(lines()).toEqual([]);
  });
});

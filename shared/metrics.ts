import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';

/**
 * What is measured of a table. Rows are counted where they are handled, once however often a message is delivered:
 * extracted by source table, the others by warehouse table; loaded ones include those that wait. Waiting rows and
 * lag are measured in the warehouse. Expired objects of both zones, and quarantine files, are counted by source table.
 */
export type TableMetric =
  | 'RowsExtracted'
  | 'RowsTransformed'
  | 'RowsQuarantined'
  | 'RowsLoaded'
  | 'RowsDeleted'
  | 'RowsWaiting'
  | 'ObjectsExpired'
  | 'LagSeconds'
  | 'ExactLagSeconds';

export type TableValues = Partial<Record<TableMetric, number>>;

/** The metrics of one invocation. */
export interface TableMetrics {
  /** Counts of one table add up; of lag and waiting rows there is one value. */
  add(table: string, values: TableValues): void;
  /** The lag of the table that has the greatest, in seconds: of the whole stage. The exact one is that of whole tables. */
  addGreatestLag(seconds: number, exactSeconds: number): void;
  /** Writes one line a table, and the stage's own, in CloudWatch's embedded metric format to stdout, and starts again from zero. */
  flush(): void;
}

export const metricsNamespace = 'Starlift';

/**
 * Makes the metrics of a deployed stage, with the dimensions `stage` and `table`, the stage's own with `stage`, and no
 * other: each combination is a metric that AWS charges for. POWERTOOLS_METRICS_DISABLED=true turns them off.
 */
export function makeTableMetrics(stage: string): TableMetrics {
  const metrics = makeMetrics(stage);
  const tables = new Map<string, TableValues>();
  let greatest: { lag: number; exactLag: number } | undefined;
  return {
    add: (table, values) => {
      const sums = tables.get(table) ?? {};
      for (const [name, value] of Object.entries(values) as [TableMetric, number][]) {
        sums[name] = (sums[name] ?? 0) + value;
      }
      tables.set(table, sums);
    },
    addGreatestLag: (lag, exactLag) => {
      greatest = { lag, exactLag };
    },
    flush: () => {
      for (const [table, values] of tables) write(metrics, table, values);
      // For an alarm, which takes no sum over tables.
      const quarantined = [...tables.values()].reduce(
        (sum, values) => sum + (values.RowsQuarantined ?? 0),
        0,
      );
      tables.clear();
      if (quarantined > 0) {
        metrics.addMetric('RowsQuarantined', MetricUnit.Count, quarantined);
        metrics.publishStoredMetrics();
      }
      if (greatest === undefined) return;
      metrics.addMetric('GreatestLagSeconds', MetricUnit.Seconds, greatest.lag);
      metrics.addMetric('GreatestExactLagSeconds', MetricUnit.Seconds, greatest.exactLag);
      metrics.publishStoredMetrics();
      greatest = undefined;
    },
  };
}

function makeMetrics(stage: string): Metrics {
  const metrics = new Metrics({ namespace: metricsNamespace });
  // Otherwise the name of the service is a third dimension.
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions({ stage });
  return metrics;
}

function write(metrics: Metrics, table: string, values: TableValues): void {
  if (Object.keys(values).length === 0) return;
  metrics.addDimension('table', table);
  for (const [name, value] of Object.entries(values)) {
    metrics.addMetric(name, name.endsWith('Seconds') ? MetricUnit.Seconds : MetricUnit.Count, value);
  }
  metrics.publishStoredMetrics();
}

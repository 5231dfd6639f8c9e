import middy from '@middy/core';
import { shareAwsClients } from '../../../shared/aws-clients.ts';
import { makeNotify } from '../../../shared/events.ts';
import { noteAnswer } from '../../../shared/handler/note-retries.ts';
import type { DatabaseContext } from '../../../shared/handler/with-database.ts';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import { withMetrics } from '../../../shared/handler/with-metrics.ts';
import { makeLogger } from '../../../shared/logger.ts';
import { makeTableMetrics } from '../../../shared/metrics.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { makePlanRecordsReader } from '../../../shared/records/plan/plan-records.ts';
import { makeModelReader } from '../../../shared/records/published-model.ts';
import { writeWarehouseEvidence } from '../../../shared/records/warehouse-evidence.ts';
import { readConfig } from '../config.ts';
import { makeReadyWarehouse } from '../ready-warehouse.ts';
import { withWarehouse } from '../with-warehouse.ts';
import { collectEvidence } from './collect-evidence.ts';
import { measureFreshness, type TableFreshness } from './freshness.ts';

const { warehouseSchema: schema, foreignKeys, stage, planSchedule, ...config } = readConfig();
const { s3, secretsManager, eventBridge } = shareAwsClients(config);
const logger = makeLogger('freshness');
const metrics = makeTableMetrics(stage);
const ingested = makeObjectStore(s3, config.ingestedBucket);
const readModel = makeModelReader(ingested);
const readyWarehouse = makeReadyWarehouse({
  schema,
  foreignKeys,
  ingested,
  readModel: () => readModel({ isFresh: true }),
  stage,
});
const deps = {
  readPlans: makePlanRecordsReader(ingested),
  schema,
  planSchedule,
  now: () => new Date(),
};

/** The scheduled measurement of how old the warehouse is. It takes no input; it returns what it found. */
export const handler = middy()
  .use(withLogging(logger))
  .use(withMetrics(metrics))
  .use(withWarehouse(config, { secretsManager, applicationName: 'starlift-freshness' }))
  .handler(async (_event: unknown, { database }: DatabaseContext): Promise<TableFreshness[]> => {
    const { model } = await readyWarehouse(database);
    const tables = await measureFreshness({ ...deps, model, database });
    // The function that noted an outage may have died since.
    await noteAnswer('warehouse', { ingested, logger, notify: makeNotify(eventBridge, stage) });
    for (const { table, lagSeconds, exactLagSeconds, waiting } of tables) {
      metrics.add(table, {
        ...(lagSeconds !== undefined && { LagSeconds: lagSeconds }),
        // Where the two are one, so is the metric: AWS charges for each.
        ...(exactLagSeconds !== undefined &&
          exactLagSeconds !== lagSeconds && { ExactLagSeconds: exactLagSeconds }),
        ...(waiting !== undefined && { RowsWaiting: waiting }),
      });
    }
    // A table without a lag was never measured: then the alarm must not be quiet.
    const lags = tables.flatMap(({ lateSeconds }) => lateSeconds ?? []);
    if (lags.length === tables.length && lags.length > 0) {
      const exact = tables.flatMap(({ exactLateSeconds }) => exactLateSeconds ?? []);
      metrics.addGreatestLag(Math.max(...lags), Math.max(...exact));
    }
    // Last: what it cannot tell must not cost the metrics.
    const evidence = await database.withClient((client) =>
      collectEvidence(client, { ...deps, model, ingested }),
    );
    await writeWarehouseEvidence(ingested, evidence);
    return tables;
  });

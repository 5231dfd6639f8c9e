import middy from '@middy/core';
import { shareAwsClients } from '../../../shared/aws-clients.ts';
import { makeNotify } from '../../../shared/events.ts';
import { noteAnswer } from '../../../shared/handler/note-retries.ts';
import { type DatabaseContext, withDatabase } from '../../../shared/handler/with-database.ts';
import { withLogging } from '../../../shared/handler/with-logging.ts';
import { withMetrics } from '../../../shared/handler/with-metrics.ts';
import { makeLogger } from '../../../shared/logger.ts';
import { makeTableMetrics } from '../../../shared/metrics.ts';
import { starSchema } from '../../../shared/model/star-schema.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { makePlanRecordsReader } from '../../../shared/records/plan-records.ts';
import { writeWarehouseEvidence } from '../../../shared/records/warehouse-evidence.ts';
import { readConfig } from '../config.ts';
import { makeReadyWarehouse } from '../ready-warehouse.ts';
import { collectEvidence } from './collect-evidence.ts';
import { measureFreshness, type TableFreshness } from './freshness.ts';

const { warehouseSchema: schema, foreignKeys, stage, ...config } = readConfig();
const { s3, secretsManager, eventBridge } = shareAwsClients(config);
const logger = makeLogger('freshness');
const metrics = makeTableMetrics(stage);
const ingested = makeObjectStore(s3, config.ingestedBucket);
const readyWarehouse = makeReadyWarehouse(starSchema, {
  schema,
  foreignKeys,
  ingested,
  stage,
});
const deps = {
  readPlans: makePlanRecordsReader(ingested),
  model: starSchema,
  schema,
  now: () => new Date(),
};

/** The scheduled measurement of how old the warehouse is. It takes no input; it returns what it found. */
export const handler = middy()
  .use(withLogging(logger))
  .use(withMetrics(metrics))
  .use(
    withDatabase({
      secretsManager,
      sslmode: config.sslmode,
      secretId: config.warehouseSecretId,
      what: 'warehouse',
      applicationName: 'starlift-freshness',
      patienceMs: config.connectPatienceMs,
    }),
  )
  .handler(async (_event: unknown, { database }: DatabaseContext): Promise<TableFreshness[]> => {
    await readyWarehouse(database);
    const tables = await measureFreshness({ ...deps, database });
    // The function that noted an outage may have died since.
    await noteAnswer('warehouse', { ingested, logger, notify: makeNotify(eventBridge, stage) });
    for (const { table, lagSeconds, waiting } of tables) {
      metrics.add(table, {
        ...(lagSeconds !== undefined && { LagSeconds: lagSeconds }),
        ...(waiting !== undefined && { RowsWaiting: waiting }),
      });
    }
    // Last: what it cannot tell must not cost the metrics.
    const evidence = await database.withClient((client) => collectEvidence(client, { ...deps, ingested }));
    await writeWarehouseEvidence(ingested, evidence);
    return tables;
  });

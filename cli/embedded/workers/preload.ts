// What the handlers import and what reads no environment; the plan's first. A worker imports it while it is not known
// yet what it is for. For speed alone.

import { loadParquetWasm } from '../../../shared/parquet/parquet-wasm.ts';

export * as extraction from '../../../services/ingestion/extract/extract-slice.ts';
export * as ingestion from '../../../services/ingestion/plan/plan-run.ts';
export * as loading from '../../../services/loading/load/load.ts';
export * as transformation from '../../../services/transformation/transform/transform.ts';
export * as awsClients from '../../../shared/aws-clients.ts';
export * as records from '../../../shared/handler/sqs-records.ts';
export * as database from '../../../shared/handler/with-database.ts';
export * as logger from '../../../shared/logger.ts';
export * as metrics from '../../../shared/metrics.ts';
export * as starSchema from '../../../shared/star-schema/star-schema.ts';
export * as sweeping from '../../../shared/sweep/sweep-function.ts';

/** What the first transform would wait for. */
export const warmUps = [loadParquetWasm];

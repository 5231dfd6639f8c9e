import { formatObjectKey, type IngestedKey } from '../../shared/object-store/object-key.ts';
import type { ObjectStore, PutOutcome } from '../../shared/object-store/object-store.ts';
import { releaseMemory } from '../../shared/release-memory.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { type PublishDeps, publish, type WantedRevision } from './publish.ts';
import { assertWhole, decompress, type IngestedObject, readIngested } from './read-ingested.ts';
import { maxRowsPerBatch } from './rows/row-batches.ts';
import { transformRows } from './transform-rows.ts';

export interface TransformDeps extends PublishDeps {
  ingested: Pick<ObjectStore, 'get'>;
  model: StarSchema;
  warn(message: string, detail: Record<string, unknown>): void;
}

export interface TransformOptions {
  /** The id of a replay: it puts the objects once more, as a new revision. */
  replay?: string;
  /** The least revision to put: all that are below may be names that the ledger has. */
  leastRevision?: number;
}

export interface TransformedTable {
  table: string;
  /** The processed object. */
  key: string;
  rows: number;
  quarantined: number;
  outcome: PutOutcome;
}

export interface TransformResult {
  /** The ingested object. */
  key: string;
  /** None for a source that ends in the ingested zone. */
  tables: TransformedTable[];
}

/**
 * Transforms one ingested object into the Parquet objects of the warehouse tables that its source feeds; for a
 * fact, also of the dates that its rows name.
 *
 * A pure function of the object: done again it gives the same, and leaves what is there as it is.
 *
 * @throws {TransientError} S3 or EventBridge cannot be reached
 * @throws {TerminalError} the model has no such source, or the object is not there, not whole, or not an extract's
 */
export async function transformObject(
  key: IngestedKey,
  deps: TransformDeps,
  { replay, leastRevision = 0 }: TransformOptions = {},
): Promise<TransformResult> {
  const { feeds } = deps.model.source(key.table);
  const result: TransformResult = { key: formatObjectKey(key), tables: [] };
  if (feeds.length === 0) return result;
  const object = await readIngested(deps.ingested, key);
  for (const table of feeds) {
    const revision = { isReplay: replay !== undefined, leastRevision };
    result.tables.push(await transformInto(table, object, deps, revision));
  }
  releaseMemory(object.body);
  return result;
}

async function transformInto(
  tableName: string,
  object: IngestedObject,
  deps: TransformDeps,
  revision: WantedRevision,
): Promise<TransformedTable> {
  const { calendar } = deps.model;
  const table = deps.model.table(tableName);
  if (table.kind === 'calendar') throw new TypeError(`${tableName} is made of dates, not of a source`);
  const rowsPerBatch = Math.min(maxRowsPerBatch, Math.max(1, object.metadata.rows));
  const rows = await transformRows(decompress(object), table, calendar, { rowsPerBatch });
  assertWhole(object, rows.lines);
  if (rows.unknownCurrencies.length > 0) {
    const key = formatObjectKey(object.key);
    deps.warn('currency codes outside ISO 4217 are their own names', { key, codes: rows.unknownCurrencies });
  }
  const { key: source, metadata } = object;
  const publication = { source, version: metadata.version, table: tableName, calendar: calendar.name, rows };
  const put = await publish(publication, deps, revision);
  return { table: tableName, ...put, rows: rows.rows, quarantined: rows.quarantine.rows };
}

import { validFromColumn, versionColumn } from '../../../shared/model/history.ts';
import type { Dimension } from '../../../shared/model/model.ts';
import { timeOfRun } from '../../../shared/object-store/object-key.ts';
import { quoteIdentifier, quoteLiteral } from '../../../shared/postgres/identifier.ts';
import type { QuarantinedRow } from '../../../shared/records/quarantine-file.ts';
import {
  type PutRows,
  putRows,
  stageRows,
  type Warehouse,
  warehouseTarget,
  withVersion,
} from '../rows/put-rows.ts';
import type { ProcessedObject } from './read-processed.ts';

const staging = 'pg_temp.staging';

/**
 * Puts the rows of an object next to the other versions of their keys.
 *
 * Claim: the rows do not depend on order or repetition. A row is identified by its key and the version of its object's snapshot,
 * so rows of two snapshots stand side by side, and those of one are equal. An object that was made again takes the place of its
 * own rows.
 */
export async function loadHistory(
  { client, schema, marked }: Warehouse,
  table: Dimension,
  { key, batches, metadata: { version, readAt } }: Pick<ProcessedObject, 'key' | 'batches' | 'metadata'>,
  objectId: string,
): Promise<{ put: PutRows; uncastable: QuarantinedRow[] }> {
  const target = warehouseTarget(table, schema, marked.has(table.name));
  const uncastable = await stageRows(client, target, staging, { batches, objectId });
  const { generation, xmax, xmin, tie } = version;
  const values = `{${[generation, xmax, xmin, tie].join(',')}}`;
  // An object of an older version of Starlift does not say when it was read.
  const instant = readAt ?? timeOfRun(key.run).toISOString();
  await client.query(`
    alter table ${staging}
      add column ${quoteIdentifier(versionColumn)} int8[] not null default ${quoteLiteral(values)},
      add column ${quoteIdentifier(validFromColumn)} timestamptz not null default ${quoteLiteral(instant)}`);
  return { put: await putRows(client, withVersion(target, table), staging), uncastable };
}

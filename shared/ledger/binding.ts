import type pg from 'pg';
import { RefusedError } from '../errors.ts';
import { inTransaction } from '../postgres/transaction.ts';
import { bindingTable } from './schema/ledger-schema.ts';

/** Who loads a warehouse, and what of it: the one row of `starlift.binding`. */
export interface WarehouseBinding {
  /** Given anew with each binding, so that whoever loaded the warehouse before is told apart. */
  warehouseId: string;
  /** The source's identity; null where it is not known. */
  sourceId: string | null;
  /** Holds the star schema's tables; null where an older version has bound the warehouse. */
  schema: string | null;
  /** The hash of the model that the tables are made by; null while nobody has noted it. */
  modelId: string | null;
  /** The number under which that was published; null where modelId is, and where an older version has bound the warehouse. */
  modelNumber: number | null;
  /** Of the stage that loads the warehouse; null where an older version has bound it. */
  ingestedBucket: string | null;
}

/** A binding as it is made: which model the tables are made by is noted once they are. */
export type NewBinding = Omit<WarehouseBinding, 'modelId' | 'modelNumber'>;

interface BindingRow {
  warehouse_id: string;
  source_id?: string | null;
  schema_name?: string | null;
  model_id?: string | null;
  model_number?: number | null;
  ingested_bucket?: string | null;
}

/** @returns undefined where nobody has bound the warehouse. It may be one of an older version, with fewer columns. */
export async function readBinding(client: pg.ClientBase): Promise<WarehouseBinding | undefined> {
  const { rows: made } = await client.query<{ isMade: boolean }>(
    `select to_regclass('${bindingTable}') is not null as "isMade"`,
  );
  if (made[0]?.isMade !== true) return undefined;
  const { rows } = await client.query<{ row: BindingRow }>(
    `select to_jsonb(b) as row from ${bindingTable} b`,
  );
  const row = rows[0]?.row;
  if (row === undefined) return undefined;
  return {
    warehouseId: row.warehouse_id,
    sourceId: row.source_id ?? null,
    schema: row.schema_name ?? null,
    modelId: row.model_id ?? null,
    modelNumber: row.model_number ?? null,
    ingestedBucket: row.ingested_bucket ?? null,
  };
}

/**
 * Binds a warehouse that has the pipeline's own tables, unless somebody else has.
 *
 * A load binds a warehouse whose tables it had to make, and knows no source: a data folder takes over from its own loads.
 */
export const bindIfFree = (client: pg.ClientBase, binding: NewBinding): Promise<void> =>
  // Whoever is told that it is bound relies on it, also after a crash of the server.
  inTransaction(client, () => insertIfFree(client, binding));

/** Binds a warehouse that has the pipeline's own tables, whoever had. */
export const replaceBinding = (client: pg.ClientBase, binding: NewBinding): Promise<void> =>
  inTransaction(client, async () => {
    await insertIfFree(client, binding);
    await client.query(
      `update ${bindingTable}
          set warehouse_id = $1, source_id = $2, schema_name = $3, ingested_bucket = $4,
              model_id = null, model_number = null`,
      valuesOf(binding),
    );
  });

async function insertIfFree(client: pg.ClientBase, binding: NewBinding): Promise<void> {
  await client.query(
    `insert into ${bindingTable} (warehouse_id, source_id, schema_name, ingested_bucket)
     select $1, $2, $3, $4 where not exists (select from ${bindingTable})
     on conflict do nothing`,
    valuesOf(binding),
  );
  if (binding.sourceId === null) return;
  await client.query(
    `update ${bindingTable}
        set warehouse_id = $1, source_id = $2, schema_name = $3
      where source_id is null and ingested_bucket = $4`,
    valuesOf(binding),
  );
}

const valuesOf = (binding: NewBinding) => [
  binding.warehouseId,
  binding.sourceId,
  binding.schema,
  binding.ingestedBucket,
];

export interface StageBinding {
  stage: string;
  ingestedBucket: string;
  schema: string;
  newId(): string;
}

/**
 * Makes sure that a stage's loads go to its own warehouse, and binds one that is free. Two stages would overwrite each
 * other's rows, and the guard would take the one's changes for old.
 *
 * @throws {RefusedError} another stage or a data folder loads the warehouse, or this stage another schema of it. Its
 *   messages wait until that is mended: each of them would be a dead letter.
 */
export async function assertBoundToStage(
  client: pg.ClientBase,
  { stage, ingestedBucket, schema, newId }: StageBinding,
): Promise<void> {
  const known = await readBinding(client);
  if (known === undefined) {
    const warehouseId = newId();
    await bindIfFree(client, { warehouseId, sourceId: null, schema, ingestedBucket });
    return assertBoundToStage(client, { stage, ingestedBucket, schema, newId });
  }
  const takeOver = `To hand it over to this one: starlift rebind --stage ${stage}`;
  if (known.ingestedBucket !== ingestedBucket) {
    const other =
      known.ingestedBucket === null ? 'a data folder' : `another stage (bucket ${known.ingestedBucket})`;
    throw new RefusedError(`the warehouse is loaded by ${other}. ${takeOver}`, { by: 'warehouse' });
  }
  if (known.schema !== null && known.schema !== schema) {
    throw new RefusedError(
      `this stage loads the schema ${known.schema} of the warehouse, and is configured for ${schema}. ${takeOver}`,
      { by: 'warehouse' },
    );
  }
}

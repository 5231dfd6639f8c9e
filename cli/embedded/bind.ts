import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { UsageError } from '../usage-error.ts';
import type { DataFolder } from './data-folder.ts';

/** What a data folder belongs to. */
interface Binding {
  warehouseId: string;
  sourceId: string;
  /** false until the warehouse has it too: a crash between the two writes must not lock anybody out. */
  isConfirmed: boolean;
}

const fileName = 'binding.json';

/**
 * Binds the folder to this source and this warehouse, or makes sure that it is bound to these two.
 *
 * The capture state and the ledger belong together: another source's rows would be taken for changes of this one,
 * another folder's state would call rows loaded that never were.
 *
 * @param warehouse connected to a warehouse that has the ledger's schema
 * @throws {UsageError} the folder or the warehouse is bound to something else
 */
export async function bindFolder(folder: DataFolder, source: pg.Client, warehouse: pg.Client): Promise<void> {
  const sourceId = await identifySource(source);
  const known = folder.readJson(fileName) as Binding | undefined;
  if (known !== undefined && known.sourceId !== sourceId) {
    throw new UsageError(
      `--data ${folder.path} captures another source (${known.sourceId}, this one is ${sourceId}); choose another folder`,
    );
  }
  const binding = known ?? { warehouseId: randomUUID(), sourceId, isConfirmed: false };
  if (known === undefined) folder.writeJson(fileName, binding);
  const warehouseId = await claimWarehouse(warehouse, binding);
  if (warehouseId !== binding.warehouseId) {
    throw new UsageError(
      known?.isConfirmed === true
        ? `--data ${folder.path} loads another warehouse; choose another folder, or name that warehouse by --warehouse`
        : 'the warehouse is loaded from another data folder; name that folder by --data, or choose another warehouse',
    );
  }
  if (!binding.isConfirmed) folder.writeJson(fileName, { ...binding, isConfirmed: true });
}

/** The same for a replica, a promoted standby and a restored backup; another for another database. */
async function identifySource(source: pg.Client): Promise<string> {
  try {
    const { rows } = await source.query<{ id: string }>(
      `select format('%s/%s', system_identifier, current_database()) as id from pg_control_system()`,
    );
    return rows[0]?.id ?? '';
  } catch (error) {
    if ((error as { code?: unknown }).code !== '42501') throw error;
    return `${source.host}:${source.port}/${source.database ?? ''}`;
  }
}

/** @returns the id that the warehouse is bound to: ours where it was bound to none and we may bind it */
async function claimWarehouse(warehouse: pg.Client, binding: Binding): Promise<string | undefined> {
  if (!binding.isConfirmed) {
    await warehouse.query(
      `insert into starlift.binding (warehouse_id, source_id)
       select $1, $2 where not exists (select from starlift.binding)`,
      [binding.warehouseId, binding.sourceId],
    );
  }
  const { rows } = await warehouse.query<{ id: string }>(
    'select warehouse_id::text as id from starlift.binding',
  );
  return rows[0]?.id;
}

import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { inTransaction } from '../../shared/postgres/transaction.ts';
import type { NamedDatabases, Side } from '../database/database-url.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { DataFolder } from './machine/data-folder.ts';

/** What a data folder belongs to. */
export interface Binding {
  warehouseId: string;
  sourceId: string;
  /** false until the warehouse has it too: a crash between the two writes must not lock the user out. */
  isConfirmed: boolean;
  /** Databases of the user's own, not the embedded ones. */
  own: readonly Side[];
}

const sides: readonly Side[] = ['source', 'warehouse'];

const fileName = 'binding.json';

/**
 * Makes sure that a folder of the user's own databases is not opened on embedded ones, before those are started.
 *
 * @throws {UsageError} a database of the folder is not named
 */
export function assertDatabasesNamed(folder: DataFolder, named: NamedDatabases): void {
  const known = folder.readJson(fileName) as Binding | undefined;
  const own = known?.own ?? [];
  if (own.every((side) => named[side] !== undefined)) return;
  const options = own.map((side) => `--${side}`).join(' and ');
  const them = own.length === 1 ? 'it' : 'them';
  throw new UsageError(`--data ${folder.path} was created with ${options}. Pass ${them} again.`);
}

/**
 * Makes sure that the folder may be bound to this source and this warehouse, or is bound to these two; writes nothing.
 *
 * The capture state and the ledger belong together: another source's rows would be taken for changes of this one,
 * another folder's state would call rows loaded that never were.
 *
 * @throws {UsageError} the folder or the warehouse is bound to something else
 */
export async function findBinding(
  { folder, named }: { folder: DataFolder; named: NamedDatabases },
  source: pg.Client,
  warehouse: pg.Client,
): Promise<Binding> {
  const sourceId = await identifySource(source);
  const known = folder.readJson(fileName) as Binding | undefined;
  if (known !== undefined && known.sourceId !== sourceId) {
    throw new UsageError(
      `--data ${folder.path} captures another source (${known.sourceId}; this one is ${sourceId}). Choose another folder.`,
    );
  }
  const own = sides.filter((side) => named[side] !== undefined);
  const binding = known ?? { warehouseId: randomUUID(), sourceId, isConfirmed: false, own };
  const warehouseId = await readWarehouseId(warehouse);
  if (warehouseId !== undefined || binding.isConfirmed) assertSame(folder, binding, warehouseId);
  return binding;
}

/**
 * Binds the folder and the warehouse to each other.
 *
 * @param warehouse connected to a warehouse that has the ledger's schema
 * @throws {UsageError} another folder was faster
 */
export async function bindFolder(folder: DataFolder, binding: Binding, warehouse: pg.Client): Promise<void> {
  if (binding.isConfirmed) return;
  folder.writeJson(fileName, binding);
  await inTransaction(warehouse, () =>
    warehouse.query(
      `insert into starlift.binding (warehouse_id, source_id)
       select $1, $2 where not exists (select from starlift.binding)`,
      [binding.warehouseId, binding.sourceId],
    ),
  );
  assertSame(folder, binding, await readWarehouseId(warehouse));
  folder.writeJson(fileName, { ...binding, isConfirmed: true });
}

function assertSame(folder: DataFolder, binding: Binding, warehouseId: string | undefined): void {
  if (warehouseId === binding.warehouseId) return;
  throw new UsageError(
    binding.isConfirmed
      ? `--data ${folder.path} loads another warehouse. Choose another folder, or pass that warehouse as --warehouse.`
      : 'the warehouse is loaded from another data folder. Pass that folder as --data, or choose another warehouse.',
  );
}

/** A replica, a promoted standby and a restored backup have the same identity; another database has another. */
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

/** @returns undefined if the warehouse is not bound to a folder yet */
async function readWarehouseId(warehouse: pg.Client): Promise<string | undefined> {
  const { rows: made } = await warehouse.query<{ isMade: boolean }>(
    `select to_regclass('starlift.binding') is not null as "isMade"`,
  );
  if (made[0]?.isMade !== true) return undefined;
  const { rows } = await warehouse.query<{ id: string }>(
    'select warehouse_id::text as id from starlift.binding',
  );
  return rows[0]?.id;
}

import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import {
  bindIfFree,
  type NewBinding,
  readBinding,
  replaceBinding,
  type WarehouseBinding,
} from '../../shared/ledger/binding.ts';
import { hidePassword, type NamedDatabases, type Side } from '../database/database-url.ts';
import { identifyDatabase } from '../database/identify.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { quoteForShell } from '../terminal/wording.ts';
import type { DataFolder } from './machine/data-folder.ts';
import { buckets } from './resources.ts';

/** What a data folder belongs to. */
export interface Binding {
  warehouseId: string;
  sourceId: string;
  /** Holds the star schema's tables; absent in a folder of an older version. */
  schema?: string;
  /** false until the warehouse has it too: a crash between the two writes must not lock the user out. */
  isConfirmed: boolean;
  /** Databases of the user's own, not the embedded ones. */
  own: readonly Side[];
}

const sides: readonly Side[] = ['source', 'warehouse'];

const fileName = 'binding.json';

const readFolder = (folder: DataFolder): Binding | undefined =>
  folder.readJson(fileName) as Binding | undefined;

/**
 * Makes sure that a folder of the user's own databases is not opened on embedded ones, before those are started.
 *
 * @throws {UsageError} a database of the folder is not named
 */
export function assertDatabasesNamed(folder: DataFolder, named: NamedDatabases): void {
  const own = readFolder(folder)?.own ?? [];
  if (own.every((side) => named[side] !== undefined)) return;
  const options = own.map((side) => `--${side}`).join(' and ');
  const them = own.length === 1 ? 'it' : 'them';
  throw new UsageError(`--data ${folder.path} was created with ${options}. Pass ${them} again.`);
}

export interface BoundFolder {
  folder: DataFolder;
  named: NamedDatabases;
}

/**
 * Makes sure that the folder may be bound to this source and this warehouse, or is bound to these two; writes nothing.
 *
 * The capture state and the ledger belong together: another source's rows would be taken for changes of this one,
 * another folder's state would call rows loaded that never were.
 *
 * @param schema holds the star schema's tables
 * @throws {UsageError} the folder or the warehouse is bound to something else; the message names the command by which
 *   the user says that it is the same data in a new place
 */
export async function findBinding(
  bound: BoundFolder,
  { source, warehouse, schema }: { source: pg.Client; warehouse: pg.Client; schema: string },
): Promise<Binding> {
  const { folder, named } = bound;
  const sourceId = await identifyDatabase(source);
  const known = readFolder(folder);
  if (known !== undefined && known.sourceId !== sourceId) {
    throw new UsageError(
      `--data ${folder.path} captures another source (${known.sourceId}; this one is ${sourceId}). Choose another folder. ` +
        `${ifMoved(bound)}`,
    );
  }
  if (known?.schema !== undefined && known.schema !== schema) {
    throw new UsageError(
      `--data ${folder.path} loads the schema ${known.schema} of the warehouse, and WAREHOUSE_SCHEMA names ${schema}. ` +
        `Set WAREHOUSE_SCHEMA=${known.schema}, or choose another folder. ${ifMoved(bound)}`,
    );
  }
  const own = sides.filter((side) => named[side] !== undefined);
  const binding: Binding = { warehouseId: randomUUID(), sourceId, isConfirmed: false, own, ...known };
  const found = await readOwner(warehouse);
  if (found !== undefined || binding.isConfirmed) assertSame(bound, binding, found);
  return { ...binding, schema };
}

/**
 * Binds the folder and the warehouse to each other.
 *
 * @param warehouse connected to a warehouse that has the ledger's schema
 * @throws {UsageError} another folder was faster
 */
export async function bindFolder(folder: DataFolder, binding: Binding, warehouse: pg.Client): Promise<void> {
  const known = readFolder(folder);
  // A folder of an older version says neither which schema nor which model.
  if (known?.isConfirmed === true && known.schema !== undefined) return;
  folder.writeJson(fileName, binding);
  await bindIfFree(warehouse, ofWarehouse(binding));
  const found = await readBinding(warehouse);
  assertSame({ folder, named: {} }, binding, found);
  if (found?.ingestedBucket !== buckets.ingested) await replaceBinding(warehouse, ofWarehouse(binding));
  folder.writeJson(fileName, { ...binding, isConfirmed: true });
}

/** @returns undefined where nobody owns the warehouse, or only the load that made its ledger anew has bound it */
async function readOwner(warehouse: pg.ClientBase): Promise<WarehouseBinding | undefined> {
  const found = await readBinding(warehouse);
  return found?.sourceId === null && found.ingestedBucket === buckets.ingested ? undefined : found;
}

const ofWarehouse = ({ warehouseId, sourceId, schema }: Binding): NewBinding => ({
  warehouseId,
  sourceId,
  schema: schema ?? null,
  // The services ask for it, as those of a stage do.
  ingestedBucket: buckets.ingested,
});

function assertSame(bound: BoundFolder, binding: Binding, found: WarehouseBinding | undefined): void {
  if (found?.warehouseId === binding.warehouseId) return;
  const { path } = bound.folder;
  if (binding.isConfirmed) {
    throw new UsageError(
      `--data ${path} loads another warehouse. Choose another folder, or pass that warehouse as --warehouse. ` +
        ifMoved(bound),
    );
  }
  const bucket = found?.ingestedBucket ?? buckets.ingested;
  const isStage = bucket !== buckets.ingested;
  const other = isStage ? `a deployed stage (bucket ${bucket})` : 'another data folder';
  throw new UsageError(
    `the warehouse is loaded from ${other}. ${isStage ? 'C' : 'Pass that folder as --data, or c'}hoose another warehouse. ` +
      `To load it from ${path} from now on: ${rebindCommand(bound)}`,
  );
}

const ifMoved = (bound: BoundFolder): string =>
  `If it is the same data in a new place: ${rebindCommand(bound)}`;

function rebindCommand({ folder, named }: BoundFolder): string {
  const urls = sides.flatMap((side) => {
    const url = named[side];
    return url === undefined ? [] : [` --${side} ${quoteForShell(hidePassword(`--${side}`, url))}`];
  });
  return `npx starlift rebind --data ${quoteForShell(folder.path)}${urls.join('')}`;
}

/** What a folder is bound to, and what it would be bound to. */
export interface Rebinding {
  before: { source: string; warehouse: string } | undefined;
  now: { source: string; warehouse: string };
  /** Whether both are the same, and the warehouse knows it. */
  isBound: boolean;
  binding: Binding;
}

/** Describes both ends of a new binding; writes nothing. */
export async function planRebinding(
  { folder, named }: BoundFolder,
  { source, warehouse, schema }: { source: pg.Client; warehouse: pg.Client; schema: string },
): Promise<Rebinding> {
  const known = readFolder(folder);
  const sourceId = await identifyDatabase(source);
  const found = await readBinding(warehouse);
  const whose =
    found === undefined
      ? 'nobody loads it yet'
      : found.warehouseId === known?.warehouseId
        ? 'this folder loads it'
        : 'somebody else loads it';
  const own = sides.filter((side) => named[side] !== undefined);
  return {
    before: known && {
      source: known.sourceId,
      warehouse: `${known.warehouseId}, schema ${known.schema ?? 'unknown'}`,
    },
    now: {
      source: sourceId,
      warehouse: `${found?.warehouseId ?? 'not bound'}, schema ${schema} (${whose})`,
    },
    isBound:
      known !== undefined &&
      known.sourceId === sourceId &&
      known.warehouseId === found?.warehouseId &&
      (known.schema ?? schema) === schema,
    binding: { warehouseId: randomUUID(), sourceId, schema, isConfirmed: false, own },
  };
}

/**
 * Binds the folder and the warehouse anew. Whoever loaded the warehouse before is refused from now on. If it breaks off,
 * the next run is refused as before, and it can be repeated.
 */
export async function rebindFolder(
  folder: DataFolder,
  binding: Binding,
  warehouse: pg.Client,
): Promise<void> {
  folder.writeJson(fileName, binding);
  // A warehouse without the pipeline's tables gets them, and the binding, by the next run.
  if ((await readBinding(warehouse)) === undefined) return;
  await replaceBinding(warehouse, ofWarehouse(binding));
  folder.writeJson(fileName, { ...binding, isConfirmed: true });
}

import type { Databases } from '../databases.ts';
import { readStackFile, takeDataFolder } from './data-folder.ts';
import { startStack } from './stack.ts';

export interface DatabaseOptions {
  source?: string | undefined;
  warehouse?: string | undefined;
  data?: string | undefined;
}

/**
 * Gives both databases: those named, else those of the stack that runs on the data folder, else those of a stack
 * started for as long as they are needed.
 *
 * @throws {UsageError | StackError} the folder's stack cannot be started
 */
export async function openDatabases(options: DatabaseOptions): Promise<Databases> {
  const { source, warehouse, data = '.starlift' } = options;
  if (source !== undefined && warehouse !== undefined) {
    return { sourceUrl: source, warehouseUrl: warehouse, release: async () => {} };
  }
  const running = findRunningStack(data);
  if (running !== undefined) {
    return {
      sourceUrl: source ?? running.sourceUrl,
      warehouseUrl: warehouse ?? running.warehouseUrl,
      release: async () => {},
    };
  }
  const stack = await startStack({ data, source, warehouse });
  return {
    sourceUrl: stack.shopUrl ?? stack.sourceUrl,
    warehouseUrl: stack.warehouseUrl,
    release: () => stack.stop(),
  };
}

/** The file alone says little: its process may be dead. The lock knows. */
function findRunningStack(data: string) {
  const folder = takeDataFolder(data);
  if (folder === undefined) return readStackFile(data);
  folder.release();
  return undefined;
}

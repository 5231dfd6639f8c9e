import type { Databases } from '../databases.ts';
import { openStack } from './open-stack.ts';

export interface DatabaseOptions {
  source?: string | undefined;
  warehouse?: string | undefined;
  data?: string | undefined;
}

/**
 * Gives both databases: those named, else those of the data folder's stack.
 *
 * @throws {UsageError | StackError} the folder's stack cannot be started
 */
export async function openDatabases({
  source,
  warehouse,
  data = '.starlift',
}: DatabaseOptions): Promise<Databases> {
  if (source !== undefined && warehouse !== undefined) {
    return { sourceUrl: source, warehouseUrl: warehouse, release: async () => {} };
  }
  const stack = await openStack({ data, source, warehouse });
  return {
    sourceUrl: source ?? stack.sourceUrl,
    warehouseUrl: warehouse ?? stack.warehouseUrl,
    release: stack.release,
  };
}

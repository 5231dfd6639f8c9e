import { assertUrls } from './database-url.ts';
import { openStack } from './open-stack.ts';

/** The two databases, and what must be let go of when the work is done. */
export interface DatabaseUrls {
  sourceUrl: string;
  warehouseUrl: string;
  release(): Promise<void>;
}

export interface DatabaseOptions {
  source?: string | undefined;
  warehouse?: string | undefined;
  data?: string | undefined;
}

/**
 * Gives both databases: those named, else those of the data folder's stack.
 *
 * @throws {UsageError | StackError} a URL is none, or the folder's stack cannot be started
 */
export async function openDatabases({
  source,
  warehouse,
  data = '.starlift',
}: DatabaseOptions): Promise<DatabaseUrls> {
  assertUrls({ source, warehouse });
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

import { connect } from '../database/connect.ts';
import { assertUrls, type NamedDatabases } from '../database/database-url.ts';
import { defaultFolder } from '../embedded/resources.ts';
import type { Site } from '../site/site.ts';
import { type OptionValues, parseStage, textOption } from './site-options.ts';

/** The two databases that a command works on. */
export type Databases = Required<Pick<Site, 'connectSource' | 'connectWarehouse' | 'warehouseSchema'>>;

/**
 * Opens the databases that the options name: a stage's, those of the URLs, else those of the data folder's stack.
 *
 * @param named databases of the user's own
 * @throws {UsageError | StackError} the stage cannot be found, a URL is none, or the folder's stack cannot be started
 */
export async function withDatabases<T>(
  values: OptionValues,
  named: NamedDatabases,
  work: (databases: Databases) => Promise<T>,
): Promise<T> {
  const { source, warehouse } = named;
  const stage = parseStage(values, [
    'data',
    ...(source === undefined ? [] : ['source']),
    ...(warehouse === undefined ? [] : ['warehouse']),
  ]);
  if (stage !== undefined) return (await import('../site/stage/open-stage.ts')).withStage(stage, work);
  const urls = await chooseUrls(named, textOption(values.data) ?? defaultFolder);
  try {
    return await work({
      connectSource: () => connect(urls.sourceUrl, 'source'),
      connectWarehouse: () => connect(urls.warehouseUrl, 'warehouse'),
      warehouseSchema: process.env.WAREHOUSE_SCHEMA || 'public',
    });
  } finally {
    await urls.release();
  }
}

/** The stack is started, and its code loaded, only where one of the databases is its own. */
async function chooseUrls({ source, warehouse }: NamedDatabases, data: string) {
  assertUrls({ source, warehouse });
  if (source !== undefined && warehouse !== undefined) {
    return { sourceUrl: source, warehouseUrl: warehouse, release: async () => {} };
  }
  const { openStack } = await import('../embedded/stack.ts');
  const stack = await openStack({ data, source, warehouse });
  return {
    sourceUrl: source ?? stack.sourceUrl,
    warehouseUrl: warehouse ?? stack.warehouseUrl,
    release: stack.release,
  };
}

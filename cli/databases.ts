import type pg from 'pg';
import { connect } from './connect.ts';
import { type OptionValues, parseStage, textOption } from './operator/target-options.ts';

/** The two databases that a command works on. The caller ends the clients. */
export interface Databases {
  source(): Promise<pg.Client>;
  warehouse(): Promise<pg.Client>;
  /** The schema of the star schema's tables. */
  warehouseSchema: string;
}

/**
 * Opens the databases that the options name: a stage's, those of the URLs, else those of the data folder's stack.
 *
 * @param urls of databases of the user's own
 * @throws {UsageError | StackError} the stage cannot be found, or the folder's stack cannot be started
 */
export async function withDatabases<T>(
  values: OptionValues,
  { source, warehouse }: { source?: string | undefined; warehouse?: string | undefined },
  work: (databases: Databases) => Promise<T>,
): Promise<T> {
  const name = parseStage(values, [
    'data',
    ...(source === undefined ? [] : ['source']),
    ...(warehouse === undefined ? [] : ['warehouse']),
  ]);
  if (name !== undefined) return (await import('./stage/open-stage.ts')).withStage(name, work);
  const { openDatabases } = await import('./embedded/open-databases.ts');
  const urls = await openDatabases({ source, warehouse, data: textOption(values.data) });
  try {
    return await work({
      source: () => connect(urls.sourceUrl, 'source'),
      warehouse: () => connect(urls.warehouseUrl, 'warehouse'),
      warehouseSchema: process.env.WAREHOUSE_SCHEMA || 'public',
    });
  } finally {
    await urls.release();
  }
}

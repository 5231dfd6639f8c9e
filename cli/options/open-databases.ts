import { existsSync } from 'node:fs';
import { readSettings, type Settings } from '../configuration/settings.ts';
import { connect } from '../database/connect.ts';
import { assertUrls, type Side } from '../database/database-url.ts';
import { readStackFile, takeDataFolder } from '../embedded/machine/data-folder.ts';
import type { OpenedStack } from '../embedded/stack.ts';
import { loadModel } from '../project/load-model.ts';
import { assertDataFolder } from '../site/embedded/running-note.ts';
import type { Site } from '../site/site.ts';
import { type OptionValues, parseStage } from './site-options.ts';

/** The two databases that a command works on. */
export type Databases = Required<Pick<Site, 'connectSource' | 'connectWarehouse' | 'warehouseSchema'>>;

/**
 * Opens the databases that the options name: a stage's, those of the user's own, else those of the data folder's stack.
 *
 * @throws {UsageError | StackError} the stage cannot be found, a URL is none, or the folder's stack cannot be started
 */
export async function withDatabases<T>(
  values: OptionValues,
  work: (databases: Databases) => Promise<T>,
): Promise<T> {
  // To `sql` these two are no URLs: they say which database is meant.
  const urlOptions = ['source', 'warehouse'].filter((option) => typeof values[option] === 'string');
  const stage = parseStage(values, ['data', ...urlOptions]);
  if (stage !== undefined)
    return (await import('../site/stage/open-stage.ts')).withStage(stage, loadModel, work);
  const urls = chooseUrls(await readSettings({ values }));
  try {
    return await work({
      connectSource: async () => connect(await urls.urlOf('source'), 'source'),
      connectWarehouse: async () => connect(await urls.urlOf('warehouse'), 'warehouse'),
      warehouseSchema: process.env.WAREHOUSE_SCHEMA || 'public',
    });
  } finally {
    await urls.release();
  }
}

/** The stack is started, and its code loaded, only where a database is asked for that is its own. */
function chooseUrls({ data, source, warehouse, remembered }: Settings) {
  assertUrls({ source, warehouse });
  const named = { source, warehouse };
  let stack: Promise<OpenedStack> | undefined;
  const open = async () => {
    assertDataFolder(data);
    return (await import('../embedded/stack.ts')).openStack({ data, source, warehouse });
  };
  return {
    urlOf: async (side: Side): Promise<string> => {
      // A run that is under way knows the password, which is not remembered.
      const running = remembered.includes(side) ? readRunningStack(data) : undefined;
      const url = running?.[`${side}Url`] ?? named[side];
      if (url !== undefined) return url;
      stack ??= open();
      return (await stack)[`${side}Url`];
    },
    release: async () => {
      // What could not be started has nothing to stop, and has been reported.
      await (await stack?.catch(() => undefined))?.release();
    },
  };
}

/** The file alone says little: its process may be dead. The lock knows. */
function readRunningStack(data: string) {
  if (!existsSync(data)) return undefined;
  const folder = takeDataFolder(data);
  if (folder === undefined) return readStackFile(data);
  folder.release();
  return undefined;
}

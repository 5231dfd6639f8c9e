import { readdirSync } from 'node:fs';
import type { TableDefinition } from './define.ts';

/**
 * Every definition in `tables/`: a new file there is a new table, with no list to add it to.
 *
 * A bundle has no folder to read, so packaging puts one import per file in this module's place
 * (scripts/build/esbuild.plugins.js); both give the tables in the order of their file names.
 */
const folder = new URL('./tables/', import.meta.url);

const modules = readdirSync(folder)
  .filter((file) => /\.(ts|js)$/.test(file) && !file.endsWith('.d.ts'))
  .sort()
  .map(async (file): Promise<{ table: TableDefinition }> => import(new URL(file, folder).href));

export const definitions: readonly TableDefinition[] = (await Promise.all(modules)).map(({ table }) => table);

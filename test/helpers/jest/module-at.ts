import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { bundleFolder, root } from '../../../scripts/bundle-folder.js';

const bundle = bundleFolder();
const isBundled = existsSync(bundle);

/**
 * In the place of the command line's own: a test's workers run from the bundle, as a command's do, where there is one of
 * the sources as they are. One that has loaded 400 sources has taken twice the CPU time until it is ready.
 */
export const moduleAt = (path: string): string =>
  pathToFileURL(isBundled ? `${bundle}/${path.replaceAll('/', '.')}.mjs` : `${root}${path}.ts`).href;

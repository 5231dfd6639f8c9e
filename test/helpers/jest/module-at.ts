import { pathToFileURL } from 'node:url';

const build = process.env.BUILD_FOLDER;
if (build === undefined) throw new Error('BUILD_FOLDER is not set: see make-run-folder.js');

/**
 * In the place of the command line's own: a test's workers run from the build, as a command's do. One that has to strip the
 * types of hundreds of sources takes several times the CPU time until it is ready.
 */
export const moduleAt = (path: string): string =>
  pathToFileURL(`${build}/${path.replaceAll('/', '.')}.js`).href;

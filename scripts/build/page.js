// Bundles the console's page. Plain JavaScript for Node 20.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { root } from './dist.js';

const folder = join(root, 'cli/console/page');

/**
 * The page's script and style with its packages in them: it asks no other host for anything.
 *
 * @returns {Promise<Record<'index.html' | 'page.js' | 'page.css', string>>}
 * @throws {Error} the page cannot be built
 */
export async function buildPage() {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { page: join(folder, 'main.tsx') },
    outdir: join(root, 'dist'),
    bundle: true,
    write: false,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'silent',
  });
  const textOf = (/** @type {string} */ end) =>
    outputFiles.find(({ path }) => path.endsWith(end))?.text ?? '';
  return {
    'index.html': readFileSync(join(folder, 'index.html'), 'utf8'),
    'page.js': textOf('.js'),
    'page.css': textOf('.css'),
  };
}

import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { distFolder, root } from './dist.js';
import { buildPage } from './page.js';

/** @typedef {import('esbuild').Plugin} Plugin */

/**
 * A bundle has no folder to read, so the sample shop's model is compiled here; in the sources cli/project/built-in-model.ts
 * compiles it. So are the queries that verify compares the shop with, cli/verify/expected/built-in-expectations.ts.
 *
 * @type {Plugin}
 */
const builtInModel = {
  name: 'built-in-model',
  setup({ esbuild, onLoad }) {
    onLoad({ filter: /project\/built-in-model\.ts$/ }, async ({ path }) => {
      const compiler = join(distFolder, `built-in-model-${process.pid}.mjs`);
      await esbuild.build({
        entryPoints: [path],
        outfile: compiler,
        bundle: true,
        packages: 'external',
        format: 'esm',
        platform: 'node',
        define: { 'import.meta.url': JSON.stringify(pathToFileURL(join(root, 'models/built-in.ts')).href) },
        logLevel: 'silent',
      });
      try {
        const { definition } = await import(pathToFileURL(compiler).href);
        return { contents: `export const definition = ${JSON.stringify(definition)};\n`, loader: 'js' };
      } finally {
        rmSync(compiler, { force: true });
      }
    });
    onLoad({ filter: /expected\/built-in-expectations\.ts$/ }, () => {
      const names = readdirSync(expectFolder).filter((name) => name.endsWith('.sql'));
      const files = names.map((name) => [
        basename(name, '.sql'),
        readFileSync(join(expectFolder, name), 'utf8'),
      ]);
      const contents = `export const expectFiles = ${JSON.stringify(Object.fromEntries(files))};\n`;
      return { contents, loader: 'js' };
    });
  },
};

const expectFolder = join(root, 'models/totesys/expect');

/**
 * A bundle has the console's page within it; in the sources cli/console/page-files.ts builds it.
 *
 * @type {Plugin}
 */
const consolePage = {
  name: 'console-page',
  setup({ onLoad }) {
    onLoad({ filter: /console\/page-files\.ts$/ }, async () => ({
      contents: `export const readPageFiles = async () => (${JSON.stringify(await buildPage())});\n`,
      loader: 'js',
    }));
  },
};

/**
 * parquet-wasm reads its code from a file in the folder of the running one (shared/parquet/parquet-wasm.ts).
 *
 * @type {Plugin}
 */
const parquetWasm = {
  name: 'parquet-wasm',
  setup(build) {
    const file = 'parquet_wasm_bg.wasm';
    const installed = createRequire(import.meta.url).resolve(`parquet-wasm/esm/${file}`);
    build.onLoad({ filter: /parquet-wasm\/esm\/parquet_wasm\.js$/ }, () => {
      const { outdir } = build.initialOptions;
      if (outdir === undefined) throw new Error('a bundle that reads Parquet needs a folder for its wasm');
      mkdirSync(outdir, { recursive: true });
      copyFileSync(installed, join(outdir, file));
      return undefined;
    });
  },
};

/**
 * `import … from 'node:http'` reads every export of the module, including WebSocket, for which Node loads all of its
 * fetch. `require` reads only what is used.
 *
 * @type {Plugin}
 */
const requiredHttp = {
  name: 'required-http',
  setup({ onLoad, onResolve }) {
    const namespace = 'required-http';
    onResolve({ filter: /^(node:)?https?$/ }, ({ path, namespace: from }) =>
      from === namespace ? { path, external: true } : { path: path.replace(/^node:/, ''), namespace },
    );
    onLoad({ filter: /.*/, namespace }, ({ path }) => ({
      contents: `module.exports = require('node:${path}');`,
      loader: 'js',
    }));
  },
};

// biome-ignore lint/style/noDefaultExport: serverless-esbuild takes its plugins from the default export.
export default () => [builtInModel, consolePage, parquetWasm, requiredHttp];

import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** @typedef {import('esbuild').Plugin} Plugin */

/**
 * A bundle has no folder to read, so the star schema's definitions become one import per file here; in the
 * sources shared/model/load-definitions.ts reads the folder itself.
 *
 * @type {Plugin}
 */
const starSchema = {
  name: 'star-schema',
  setup(build) {
    build.onLoad({ filter: /model\/load-definitions\.ts$/ }, ({ path }) => {
      const folder = path.replace(/load-definitions\.ts$/, 'tables/');
      const files = readdirSync(folder)
        .filter((file) => file.endsWith('.ts'))
        .sort();
      const imports = files.map(
        (file, index) => `import { table as table${index} } from './tables/${file}';`,
      );
      const list = files.map((_, index) => `table${index}`).join(', ');
      return { contents: `${imports.join('\n')}\nexport const definitions = [${list}];\n`, loader: 'ts' };
    });
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
export default () => [starSchema, parquetWasm, requiredHttp];

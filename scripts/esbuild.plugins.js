import { readdirSync } from 'node:fs';

/**
 * A bundle has no folder to read, so the star schema's definitions become one import per file here; in the
 * sources shared/star-schema/load-definitions.ts reads the folder itself.
 */
const starSchema = {
  name: 'star-schema',
  setup(build) {
    build.onLoad({ filter: /star-schema\/load-definitions\.ts$/ }, ({ path }) => {
      const folder = path.replace(/load-definitions\.ts$/, 'tables/');
      const files = readdirSync(folder)
        .filter((file) => file.endsWith('.ts'))
        .sort();
      const imports = files.map((file, index) => `import { table as table${index} } from './tables/${file}';`);
      const list = files.map((_, index) => `table${index}`).join(', ');
      return { contents: `${imports.join('\n')}\nexport const definitions = [${list}];\n`, loader: 'ts' };
    });
  },
};

// biome-ignore lint/style/noDefaultExport: serverless-esbuild takes its plugins from the default export.
export default () => [starSchema];

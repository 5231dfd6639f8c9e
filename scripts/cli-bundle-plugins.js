import { readFileSync } from 'node:fs';

/** @typedef {import('esbuild').Plugin} Plugin */

/**
 * In a bundle all files lie in one folder.
 *
 * @type {Plugin}
 */
export const moduleAt = {
  name: 'module-at',
  setup({ onLoad }) {
    onLoad({ filter: /cli\/embedded\/module-at\.ts$/ }, () => ({
      contents: `export const moduleAt = (path) =>
        new URL(\`./\${path.replaceAll('/', '.')}.mjs\`, import.meta.url).href;`,
      loader: 'js',
    }));
  },
};

/**
 * Fauxqs' parts are imported by their paths (cli/embedded/cloud/fauxqs.ts), which a bundle has to see as imports. What
 * nobody uses of the package stays out: a third AWS client, and the program that it would be by itself.
 *
 * @type {Plugin}
 */
export const fauxqsParts = {
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

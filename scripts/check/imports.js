import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

// What lint cannot see: a circle of imports, of types or of values, between files or between the folders of cli, and a
// test folder that imports the wrong one. Exits with 1 for any of them.

/**
 * Relative imports by file: each file's path from the root, and the paths that it imports.
 *
 * @typedef {Map<string, string[]>} Imports
 */

/** Which test folder must not import from which, and why. */
const forbidden = [
  {
    from: 'test/unit/',
    to: 'test/integration/',
    why: 'a unit test starts no server',
  },
  {
    from: 'test/golden/',
    to: 'test/unit/',
    why: 'a golden test needs nothing but its own data and the helpers',
  },
];

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) checkImports();

function checkImports() {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const product = readImports(root, ['services', 'shared', 'cli', 'models']);
  const circles = findCircles(product);
  for (const circle of circles) console.log(`import circle of ${circle.length} files: ${circle.join(', ')}`);
  const folders = findFolderCircles(product, 'cli');
  for (const circle of folders)
    console.log(`import circle of ${circle.length} folders: ${circle.join(', ')}`);
  const strays = findStrays(readImports(root, ['test']));
  for (const stray of strays) console.log(stray);
  console.log(
    `${product.size} files, ${circles.length} import circles, ${folders.length} of the folders of cli, ` +
      `${strays.length} forbidden test imports`,
  );
  if (circles.length + folders.length + strays.length > 0) process.exitCode = 1;
}

/**
 * Groups of files that reach each other by their imports (Tarjan's strongly connected components).
 *
 * @param {Imports} imports
 * @returns {string[][]} each group sorted; a file that imports itself is a group of one
 */
export function findCircles(imports) {
  /** @type {Map<string, number>} */
  const indexes = new Map();
  /** @type {Map<string, number>} */
  const lows = new Map();
  /** @type {string[]} */
  const stack = [];
  /** @type {string[][]} */
  const circles = [];

  /** @param {string} file */
  function visit(file) {
    const index = indexes.size;
    let low = index;
    indexes.set(file, index);
    lows.set(file, index);
    stack.push(file);
    for (const next of imports.get(file) ?? []) {
      if (!indexes.has(next)) visit(next);
      if (stack.includes(next)) low = Math.min(low, lows.get(next) ?? low);
    }
    lows.set(file, low);
    if (low < index) return;
    const group = stack.splice(stack.indexOf(file));
    if (group.length > 1 || imports.get(file)?.includes(file)) circles.push(group.toSorted());
  }

  for (const file of imports.keys()) if (!indexes.has(file)) visit(file);
  return circles.toSorted((a, b) => (a[0] ?? '').localeCompare(b[0] ?? ''));
}

/**
 * Groups of folders whose files reach each other. A nested folder is a folder of its own: one that imports from the folder
 * around it, which imports from it, is in a circle.
 *
 * @param {Imports} imports
 * @param {string} top the folder to look into
 * @returns {string[][]} each group sorted
 */
export function findFolderCircles(imports, top) {
  /** @type {Imports} */
  const folders = new Map();
  for (const [file, targets] of imports) {
    if (!file.startsWith(`${top}/`)) continue;
    const folder = dirname(file);
    const others = targets.map((target) => dirname(target)).filter((other) => other !== folder);
    folders.set(folder, [...(folders.get(folder) ?? []), ...others]);
  }
  return findCircles(folders);
}

/**
 * @param {Imports} imports
 * @returns {string[]} a sentence for each forbidden import
 */
export function findStrays(imports) {
  return [...imports].flatMap(([file, targets]) =>
    forbidden.flatMap(({ from, to, why }) => {
      const strays = file.startsWith(from) ? targets.filter((target) => target.startsWith(to)) : [];
      return strays.map((target) => `${file} imports ${target}: ${why}`);
    }),
  );
}

/**
 * @param {string} root
 * @param {string[]} folders
 * @returns {Imports}
 */
function readImports(root, folders) {
  /** @type {Imports} */
  const imports = new Map();
  for (const folder of folders) {
    for (const name of readdirSync(join(root, folder), { encoding: 'utf8', recursive: true })) {
      if (!/\.[cm]?[jt]sx?$/.test(name) || name.includes('node_modules')) continue;
      const file = join(folder, name);
      const targets = parseImports(readFileSync(join(root, file), 'utf8')).map((specifier) =>
        relative(root, join(root, dirname(file), specifier)),
      );
      // A built file, which does not exist before the build, is not a source.
      imports.set(
        file,
        targets.filter((target) => existsSync(join(root, target))),
      );
    }
  }
  return imports;
}

/**
 * The relative specifiers of a file's imports and exports: static and dynamic ones, of values and of types.
 *
 * @param {string} text
 */
export function parseImports(text) {
  const statements =
    /^(?:import|export)\b[^'";]*?\bfrom\s*'(\.[^']+)'|^import\s*'(\.[^']+)'|\bimport\(\s*'(\.[^']+)'/gm;
  return [...text.matchAll(statements)].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic ?? '');
}

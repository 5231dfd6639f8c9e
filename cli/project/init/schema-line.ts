import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The comment by which an editor finds the JSON Schema of a file.
 *
 * @param folder the one that the file lies in
 * @param project the project's
 * @see https://github.com/redhat-developer/yaml-language-server#using-inlined-schema
 */
export function schemaLine(folder: string, project: string, name: 'starlift' | 'table'): string {
  const below = join('docs', 'schemas', `${name}.schema.json`);
  const home = findPackage();
  const root = findRoot(project);
  const isNear = home !== undefined && (isInside(folder, home) || isInside(home, root));
  const path = relative(folder, join(isNear ? home : join(root, 'node_modules', 'starlift'), below));
  return `# yaml-language-server: $schema=${path.split(sep).join('/')}`;
}

/** The folder of this package: the one above that has its package.json. */
function findPackage(): string | undefined {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && /"name": "starlift"/.test(readFileSync(file, 'utf8'))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

/** Where the user's packages lie: the nearest folder with a package.json, else the project's own. */
function findRoot(project: string): string {
  for (let folder = project; ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (folder === dirname(folder)) return project;
  }
}

const isInside = (folder: string, outer: string): boolean =>
  folder === outer || folder.startsWith(outer.endsWith(sep) ? outer : outer + sep);

// Where the build of the sources lies, and whether there is one of them as they are. Plain JavaScript for Node 20, and
// small: in a clone the command line asks it at every start.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));
export const distFolder = join(root, 'dist');

/** What a build is made of, and by. */
const sources = ['cli', 'services', 'shared', 'models', 'scripts/build'];
const installed = 'node_modules/.package-lock.json';

/**
 * The folder of the build of the sources as they are now, made where it is missing. Each state of the sources has a folder
 * of its own: a watch goes on with the build that it was started from, and loads a part of it when it needs that part.
 *
 * @returns {Promise<string>}
 * @throws {Error} the sources cannot be built; the message has a line for each fault
 */
export async function ensureBuild() {
  const folder = join(distFolder, stampSources());
  if (!existsSync(folder)) {
    const { build } = await import('./build.js');
    await build(folder);
  }
  return folder;
}

/**
 * Names, sizes and times: a file that is edited, added, removed or replaced by an older one changes it. Paths are put together as
 * text, because `join` would take as long as the reading.
 */
export function stampSources() {
  const stamp = createHash('sha256');
  for (const file of [...sources.flatMap(listFiles), installed].sort()) {
    const { size, mtimeMs } = statSync(`${root}${file}`);
    stamp.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return stamp.digest('hex').slice(0, 16);
}

/**
 * Node's own recursion looks at each file once more, which takes longer than all the rest.
 *
 * @param {string} folder
 * @returns {string[]}
 */
function listFiles(folder) {
  return readdirSync(`${root}${folder}`, { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory()) return listFiles(path);
    return /\.([jt]sx?|yml|csv|json|sql|html|css)$/.test(path) ? [path] : [];
  });
}

import { createHash } from 'node:crypto';

/** Holds the objects whose keys cannot be paths. */
const otherFolder = '.other';

const maxSegmentLength = 200;
const maxPathLength = 800;

/**
 * A dot tells a file from a folder, and a file's name does not begin with one. So no key is the folder of another, and
 * nothing that a file manager hides is an object.
 */
const folderPattern = /^\.?[\w%=-]+$/;
const filePattern = /^[\w%=-][\w%.=-]*\.[\w%-]+$/;

/**
 * Where an object lies below its bucket's folder: at its key, where that can be a path on every system. Other keys may hold
 * `..`, or be longer than a file name: a hash makes theirs safe and unique, and what follows it is for people.
 *
 * Two keys that differ by case only share a path where the file system does not tell them apart. No two keys of the
 * pipeline do.
 */
export function formatObjectPath(key: string): string {
  const folders = key.split('/');
  const name = folders.pop() ?? '';
  const isPath =
    filePattern.test(name) &&
    folders.every((folder) => folderPattern.test(folder)) &&
    folders[0] !== otherFolder &&
    [name, ...folders].every(({ length }) => length <= maxSegmentLength) &&
    key.length <= maxPathLength;
  if (isPath) return key;
  const hash = createHash('sha256').update(key).digest('hex').slice(0, 32);
  return `${otherFolder}/${hash}.${key.replaceAll(/[^\w.-]/g, '_').slice(-120)}`;
}

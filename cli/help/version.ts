import { existsSync, readFileSync } from 'node:fs';

/** The version in Starlift's package.json, whether this runs from sources, from a bundle of them, or as a package. */
export function readVersion(): string {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    const file = new URL('package.json', folder);
    if (existsSync(file)) {
      const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
      if (name === 'starlift' && typeof version === 'string') return version;
    }
    if (folder.pathname === '/') throw new Error('there is no package.json of Starlift above its files');
  }
}

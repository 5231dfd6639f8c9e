import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { UsageError } from '../terminal/usage-error.ts';

export const projectFileName = 'starlift.yml';

/** The nearest starlift.yml, in the folder or one above it. */
export function findProjectFile(folder: string): string | undefined {
  for (let current = resolve(folder); ; current = dirname(current)) {
    const file = join(current, projectFileName);
    if (existsSync(file)) return file;
    if (current === dirname(current)) return undefined;
  }
}

/** Options by their names. */
type Values = Readonly<Record<string, string | boolean | undefined>>;

/**
 * Where the search for a project begins: in the folder that --project names, else in the working directory.
 *
 * @throws {UsageError} the folder that is named has no project
 */
export function projectFolderOf({ project }: Values, workingDirectory: string = process.cwd()): string {
  if (typeof project !== 'string') return workingDirectory;
  const folder = resolve(workingDirectory, project);
  if (existsSync(join(folder, projectFileName))) return folder;
  throw new UsageError(`--project ${project} has no ${projectFileName}: starlift init writes one`);
}

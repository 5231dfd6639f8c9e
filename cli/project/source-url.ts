import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { projectFileName } from '../configuration/find-project-file.ts';
import { readProjectFile } from '../configuration/project-file.ts';
import { UsageError } from '../terminal/usage-error.ts';

/**
 * The source of a project: by the option, else by SOURCE_URL, else by its starlift.yml.
 *
 * @throws {UsageError} none of them names it
 */
export function findSourceUrl(
  option: string | undefined,
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const file = join(folder, projectFileName);
  const url =
    option ??
    (environment.SOURCE_URL || undefined) ??
    (existsSync(file) ? readProjectFile(file, environment).sourceUrl() : undefined);
  if (url !== undefined) return url;
  throw new UsageError('which database? --source or SOURCE_URL names it: postgres://user@host:port/database');
}

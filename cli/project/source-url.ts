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
  const url = option ?? sourceUrlOf(folder, environment);
  if (url !== undefined) return url;
  throw new UsageError('which database? --source or SOURCE_URL names it: postgres://user@host:port/database');
}

/** The source of a project where it can be known without being told; undefined where it cannot. */
export const knownSourceUrl = (
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined => whereSet(() => sourceUrlOf(folder, environment));

/** The same of the warehouse. */
export const knownWarehouseUrl = (
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined => whereSet(() => findWarehouseUrl(folder, environment));

function whereSet(read: () => string | undefined): string | undefined {
  try {
    return read();
  } catch (error) {
    // It is said in a variable that is not set.
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

function sourceUrlOf(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const file = join(folder, projectFileName);
  if (environment.SOURCE_URL) return environment.SOURCE_URL;
  return existsSync(file) ? readProjectFile(file, environment).sourceUrl() : undefined;
}

/** The warehouse of a project: by WAREHOUSE_URL, else by its starlift.yml; undefined where neither names it. */
export function findWarehouseUrl(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const file = join(folder, projectFileName);
  if (environment.WAREHOUSE_URL) return environment.WAREHOUSE_URL;
  return existsSync(file) ? readProjectFile(file, environment).warehouseUrl() : undefined;
}

/** The schema that the warehouse's tables are made in. */
export function findWarehouseSchema(
  folder: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  const file = join(folder, projectFileName);
  const named = existsSync(file) ? readProjectFile(file, environment).schema : undefined;
  return environment.WAREHOUSE_SCHEMA || (named ?? 'public');
}

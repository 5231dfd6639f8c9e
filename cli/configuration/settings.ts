import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { hidePassword, type NamedDatabases, type Side } from '../database/database-url.ts';
import { defaultFolder } from '../embedded/resources.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { findProjectFile, projectFileName, projectFolderOf } from './find-project-file.ts';
import type { ProjectFile } from './project-file.ts';
import { type Remembered, readOwnSides, readRemembered } from './remembered.ts';

/** Where a command works when it does not work on a stage. */
export interface Settings {
  data: string;
  /** Databases of the user's own; undefined for the embedded ones. */
  source: string | undefined;
  warehouse: string | undefined;
  /** How old the warehouse may become, from starlift.yml. */
  freshnessSeconds: number | undefined;
  /** The URLs that only an option has given: a command that is to be pasted needs them again. */
  given: NamedDatabases;
  /** The sides whose URL is the data folder's, without a password. */
  remembered: readonly Side[];
}

export interface SettingsSources {
  /** Options by their names. */
  values: Readonly<Record<string, string | boolean | undefined>>;
  environment?: Record<string, string | undefined>;
  /** Where the search for starlift.yml begins. */
  folder?: string;
}

/**
 * Finds out where a command works: by its options, else by the environment (SOURCE_URL, WAREHOUSE_URL), else by
 * starlift.yml, else by what the data folder remembers.
 *
 * WAREHOUSE_SCHEMA is set where it is not, for everything that reads it.
 *
 * @throws {UsageError} the file is wrong, or the folder belongs to something else
 */
export async function readSettings({
  values,
  environment = process.env,
  folder = projectFolderOf(values),
}: SettingsSources): Promise<Settings> {
  const path = findProjectFile(resolve(folder));
  const file = path === undefined ? undefined : await openProjectFile(path, environment);
  const data = textOf(values.data) ?? file?.data() ?? defaultDataOf(path);
  const remembered = readRemembered(data);
  const given: NamedDatabases = {};
  const rememberedSides: Side[] = [];

  const choose = (side: Side): string | undefined => {
    const option = textOf(values[side]);
    if (option !== undefined) {
      if (hidePassword(`--${side}`, option) !== remembered[side]) given[side] = option;
      return option;
    }
    const variable = `${side.toUpperCase()}_URL`;
    const configured = environment[variable] || file?.[`${side}Url`]();
    if (configured && readOwnSides(data)?.includes(side) === false) {
      const by = environment[variable] ? variable : 'starlift.yml';
      throw new UsageError(
        `--data ${data} has an embedded ${side}, and ${by} names another: choose another folder by --data`,
      );
    }
    if (configured) return configured;
    if (remembered[side] !== undefined) rememberedSides.push(side);
    return remembered[side];
  };

  const source = choose('source');
  const warehouse = choose('warehouse');
  const schema = environment.WAREHOUSE_SCHEMA || file?.schema;
  if (schema !== undefined && remembered.schema !== undefined && schema !== remembered.schema) {
    const by = environment.WAREHOUSE_SCHEMA ? 'WAREHOUSE_SCHEMA' : 'starlift.yml';
    throw new UsageError(
      `--data ${data} loads the schema ${remembered.schema}, and ${by} names ${schema}: choose another folder by --data`,
    );
  }
  const chosenSchema = schema ?? remembered.schema;
  if (chosenSchema !== undefined) environment.WAREHOUSE_SCHEMA = chosenSchema;
  return {
    data,
    source,
    warehouse,
    freshnessSeconds: file?.freshnessSeconds ?? (await readFreshnessOf(remembered, path, environment)),
    given,
    remembered: rememberedSides,
  };
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Its parser is loaded only where there is a file: most commands run without one. */
const openProjectFile = async (path: string, environment: Variables): Promise<ProjectFile> =>
  (await import('./project-file.ts')).readProjectFile(path, environment);

/** Of a project the one in its folder, from whichever folder below it a command is started. */
function defaultDataOf(projectFile: string | undefined): string {
  if (projectFile === undefined) return defaultFolder;
  const folder = dirname(projectFile);
  return folder === process.cwd() ? defaultFolder : join(folder, defaultFolder);
}

/** Outside of any project that of the data folder counts. */
async function readFreshnessOf(
  { project }: Remembered,
  path: string | undefined,
  environment: Variables,
): Promise<number | undefined> {
  const file = project && join(project, projectFileName);
  if (path !== undefined || file === undefined || !existsSync(file)) return undefined;
  return (await openProjectFile(file, environment)).freshnessSeconds;
}

const textOf = (value: string | boolean | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

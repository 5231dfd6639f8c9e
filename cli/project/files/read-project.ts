import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { projectFileName } from '../../configuration/find-project-file.ts';
import { type ProjectContents, projectGrammar } from '../../configuration/project-grammar.ts';
import { type Finding, parseYaml, type YamlFile } from '../../configuration/yaml-file.ts';
import { UsageError } from '../../terminal/usage-error.ts';
import { emptyLock, type Lock, lockFileName, readLock } from './lock-file.ts';
import { type Lookup, parseLookup } from './lookup-file.ts';
import { type TableContents, tableGrammar } from './table-grammar.ts';

/** A file of tables/. */
export interface TableFile {
  file: YamlFile;
  contents: TableContents;
}

/** The files of a project, each by its grammar. What they say together is for the compiler to judge. */
export interface Project {
  folder: string;
  name: string;
  file: YamlFile;
  contents: ProjectContents;
  tables: readonly TableFile[];
  lookups: Readonly<Record<string, Lookup>>;
  lock: Lock;
}

/**
 * Reads the files of a project.
 *
 * @param folder the one that has starlift.yml
 * @param mode 'without lock' where the lock is about to be written: what it says does not matter then
 * @returns no project where starlift.yml itself cannot be read; a table's file that cannot be read is left out
 * @throws {UsageError} the lock is damaged
 */
export function readProject(
  folder: string,
  mode: 'with lock' | 'without lock' = 'with lock',
): { project: Project | undefined; findings: Finding[] } {
  const text = readFileSync(join(folder, projectFileName), 'utf8');
  const { file, value, findings } = parseYaml(projectFileName, text, projectGrammar);
  if (value === undefined) return { project: undefined, findings };
  const tables: TableFile[] = [];
  for (const name of listFiles(folder, 'tables', /\.ya?ml$/)) {
    const table = parseYaml(name, readFileSync(join(folder, name), 'utf8'), tableGrammar);
    findings.push(...table.findings);
    if (table.value !== undefined) tables.push({ file: table.file, contents: table.value });
  }
  const lookups: Record<string, Lookup> = {};
  for (const name of listFiles(folder, 'lookups', /\.csv$/)) {
    const parsed = parseLookup(name, readFileSync(join(folder, name), 'utf8'));
    findings.push(...parsed.findings);
    lookups[basename(name, '.csv')] = parsed.lookup;
  }
  const lock = mode === 'with lock' ? readLock(folder) : readOldLock(folder);
  if (lock === undefined && tables.length > 0 && mode === 'with lock') {
    const message = 'is missing: starlift check --source URL --update writes it';
    findings.push({ file: lockFileName, message });
  }
  return {
    project: {
      folder,
      name: value.name ?? basename(resolve(folder)),
      file,
      contents: value,
      tables,
      lookups,
      lock: lock ?? emptyLock(),
    },
    findings,
  };
}

/** What a damaged lock says is lost, and so are the names of the tables that were not wanted. */
function readOldLock(folder: string): Lock | undefined {
  try {
    return readLock(folder);
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** Paths from the project's folder, in an order that no locale changes. */
function listFiles(folder: string, below: string, pattern: RegExp): string[] {
  const path = join(folder, below);
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => pattern.test(name))
    .sort()
    .map((name) => `${below}/${name}`);
}

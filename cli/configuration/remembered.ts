import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelDefinition } from '../../shared/model/define.ts';
import { hidePassword, type NamedDatabases } from '../database/database-url.ts';
import type { DataFolder } from '../embedded/machine/data-folder.ts';
import { UsageError } from '../terminal/usage-error.ts';

/** What a data folder keeps of the databases that it was run on: URLs without passwords. */
export interface Remembered {
  source?: string;
  warehouse?: string;
  /** The warehouse's. */
  schema?: string;
  /** The folder of the project that the last run was of. */
  project?: string;
}

const fileName = 'connections.json';

/** Called when a run is bound to its databases: other commands then find them by the folder alone. */
export function rememberConnections(
  folder: DataFolder,
  named: NamedDatabases,
  { schema, project }: { schema: string; project: string | undefined },
): void {
  const remembered: Remembered = { schema, ...(project !== undefined && { project }) };
  for (const side of ['source', 'warehouse'] as const) {
    const url = named[side];
    if (url !== undefined) remembered[side] = hidePassword(`--${side}`, url);
  }
  const known = folder.readJson(fileName);
  if (JSON.stringify(known) !== JSON.stringify(remembered)) folder.writeJson(fileName, remembered);
}

/** @throws {UsageError} the file is damaged */
export function readRemembered(data: string): Remembered {
  const { source, warehouse, schema, project } = readObject(data, fileName);
  return {
    ...(typeof source === 'string' && { source }),
    ...(typeof warehouse === 'string' && { warehouse }),
    ...(typeof schema === 'string' && { schema }),
    ...(typeof project === 'string' && { project }),
  };
}

const modelFile = 'model.json';

/** Called when a model is published on the folder: other commands then know it while the stack does not answer. */
export function rememberModel(data: string, definition: ModelDefinition): void {
  const path = join(data, modelFile);
  writeFileSync(`${path}.new`, JSON.stringify(definition));
  renameSync(`${path}.new`, path);
}

/**
 * @returns undefined before a model was published on the folder
 * @throws {UsageError} the file is damaged
 */
export function readRememberedModel(data: string): ModelDefinition | undefined {
  const definition = readObject(data, modelFile);
  return Array.isArray(definition.tables) ? (definition as unknown as ModelDefinition) : undefined;
}

/** Which databases the folder is bound to that are not its embedded ones; undefined for a folder not yet bound. */
export function readOwnSides(data: string): readonly unknown[] | undefined {
  const { own } = readObject(data, 'binding.json');
  return Array.isArray(own) ? own : undefined;
}

function readObject(data: string, name: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(readFileSync(join(data, name), 'utf8'))) as Record<string, unknown>;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return {};
    throw new UsageError(`--data ${data}: ${name} cannot be read (${code ?? 'it is not JSON'})`, {
      cause: error,
    });
  }
}

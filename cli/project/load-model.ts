import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ModelDefinition } from '../../shared/model/define.ts';
import { assembleModel, type Model } from '../../shared/model/model.ts';
import { assertNameLengths } from '../../shared/warehouse/warehouse-schema.ts';
import { findProjectFile, projectFolderOf } from '../configuration/find-project-file.ts';
import { readRemembered } from '../configuration/remembered.ts';
import { UsageError } from '../terminal/usage-error.ts';

/** A model in its inner form, and where it comes from. */
export interface LoadedDefinition {
  definition: ModelDefinition;
  /** Of the project that it is compiled from; undefined for the model of the sample shop. */
  folder: string | undefined;
}

/**
 * Finds the model to work with: that of the project which a folder lies in, else that of the sample shop. A starlift.yml
 * without a folder `tables` names connections alone.
 *
 * @throws {UsageError} the project cannot be compiled: a line for each finding
 */
export async function loadDefinition(from: string = process.cwd()): Promise<LoadedDefinition> {
  const file = findProjectFile(from);
  const folder = file && dirname(file);
  if (folder === undefined || !existsSync(join(folder, 'tables'))) {
    return { definition: (await import('./built-in-model.ts')).definition, folder: undefined };
  }
  // Its parsers are loaded only where there is a project.
  const { loadProject } = await import('./compile/compile.ts');
  return { definition: loadProject(folder), folder };
}

/**
 * Finds the project that --project names, else that of the working directory, else the one that the data folder's last run
 * was of.
 *
 * @param data the data folder that a command works on; undefined where it works on none
 * @throws {UsageError} as `loadDefinition`, or --project names a folder without a project
 */
export async function findDefinition(
  values: Readonly<Record<string, string | boolean | undefined>>,
  data?: string,
): Promise<LoadedDefinition> {
  const found = await loadDefinition(projectFolderOf(values));
  if (found.folder !== undefined || data === undefined) return found;
  const { project } = readRemembered(data);
  return project === undefined || !existsSync(project) ? found : loadDefinition(project);
}

/**
 * The same, resolved.
 *
 * @throws {UsageError} the project cannot be compiled, or its parts do not fit together
 */
export async function loadModel(from?: string): Promise<Model> {
  return assembleProject((await loadDefinition(from)).definition);
}

/** A run asks for the model of its project at each step that may be given another one. */
const assembled = new WeakMap<ModelDefinition, Model>();

/** What is wrong with a model is wrong configuration to the command line. */
export function assembleProject(definition: ModelDefinition): Model {
  const known = assembled.get(definition);
  if (known !== undefined) return known;
  try {
    const model = assembleModel(definition);
    assertNameLengths(model);
    assembled.set(definition, model);
    return model;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

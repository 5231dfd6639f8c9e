import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelDefinition } from '../../shared/model/define.ts';
import { projectFileName } from '../configuration/find-project-file.ts';
import { readProjectFile } from '../configuration/project-file.ts';
import { readRememberedModel } from '../configuration/remembered.ts';
import { defaultFolder } from '../embedded/resources.ts';
import { allowNullInAdded, compareModels, describeFinding } from './compare-models.ts';

/** Says how the project differs from what the data folder's tables are: a run refuses it, and `starlift migrate` changes them. */
export function findPendingMigration(folder: string, definition: ModelDefinition): string[] {
  const data = readProjectFile(join(folder, projectFileName), process.env).data() ?? defaultFolder;
  const inForce = existsSync(data) ? readRememberedModel(data) : undefined;
  if (inForce === undefined || inForce.name !== definition.name) return [];
  return compareModels(inForce, allowNullInAdded(inForce, definition)).map(describeFinding);
}

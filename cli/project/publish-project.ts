import type pg from 'pg';
import { TransientError } from '../../shared/errors.ts';
import { readBinding } from '../../shared/ledger/binding.ts';
import type { ModelDefinition } from '../../shared/model/define.ts';
import type { Model } from '../../shared/model/model.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import {
  findInForce,
  modelKey,
  type Publication,
  publishModel,
  readDefinition,
  readDefinitionInForce,
} from '../../shared/records/published-model.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { allowNullInAdded, compareModels, describeFinding } from './compare-models.ts';
import { assembleProject, type LoadedDefinition } from './load-model.ts';
import { findTablesToBackfill, noteBackfill } from './noted-backfill.ts';

export interface ProjectPublication extends Publication {
  /** The model that is in force now, and its inner form. */
  model: Model;
  definition: ModelDefinition;
}

/**
 * Makes the model of a project the one that is in force. It takes effect without a deploy. What it has to fill in tables that
 * have rows is noted before, and sent by `sendBackfill`.
 *
 * @throws {UsageError} its parts do not fit together, or it does not fit the model in force: a line for each finding; or
 *   there is no project, and another model than the sample shop's is in force
 * @throws {TransientError} another model is being published
 */
export async function publishProject(
  ingested: Pick<ObjectStore, 'get' | 'create' | 'replace' | 'put'>,
  loaded: LoadedDefinition,
): Promise<ProjectPublication> {
  const inForceAlready = await findProjectInForce(ingested, loaded);
  if (inForceAlready !== undefined) return inForceAlready;
  const known = await readDefinitionInForce(ingested);
  const definition = known === undefined ? loaded.definition : allowNullInAdded(known, loaded.definition);
  const model = assembleProject(definition);
  const publication = await publishModel(ingested, definition, async (inForce) => {
    if (isForeign(loaded, inForce)) {
      throw new UsageError(
        `there is no project in this folder or one above it: the model ${inForce.name} stays in force`,
      );
    }
    assertFitting(inForce, definition);
    await noteBackfill(ingested, findTablesToBackfill(inForce, loaded.definition));
  });
  return { ...publication, model, definition };
}

/**
 * The same for a run, which goes on where a migration has died.
 *
 * @param keepsModel whether the model in force stays so, whatever the project says
 * @throws as `publishProject`
 */
export async function putProjectInForce(
  ingested: Pick<ObjectStore, 'get' | 'create' | 'replace' | 'put'>,
  warehouse: pg.ClientBase,
  { project, keepsModel }: { project: LoadedDefinition; keepsModel: boolean },
): Promise<ProjectPublication> {
  // First, because it is so in most runs, and costs one request. What a migration has published is no project's model.
  const known = keepsModel ? undefined : await findProjectInForce(ingested, project);
  if (known !== undefined) return known;
  // It may have died before it published the model whose tables the warehouse has already.
  await publishTakenOver(ingested, warehouse);
  const kept = keepsModel ? await readProjectInForce(ingested) : undefined;
  return kept ?? publishProject(ingested, project);
}

/** @returns undefined where another model than the project's is in force, or none */
async function findProjectInForce(
  ingested: Pick<ObjectStore, 'get'>,
  { definition }: Pick<LoadedDefinition, 'definition'>,
): Promise<ProjectPublication | undefined> {
  const known = await findInForce(ingested, definition);
  return known && { ...known, model: assembleProject(definition), definition };
}

/** @returns undefined before the first model is published, or where S3 has lost it */
async function readProjectInForce(
  ingested: Pick<ObjectStore, 'get'>,
): Promise<ProjectPublication | undefined> {
  const definition = await readDefinitionInForce(ingested);
  return definition && findProjectInForce(ingested, { definition });
}

/**
 * Publishes the model whose tables have taken the places of others already, where a migration died between the two.
 *
 * @returns whether it did
 */
export async function publishTakenOver(
  ingested: Pick<ObjectStore, 'get' | 'create' | 'replace'>,
  warehouse: pg.ClientBase,
): Promise<boolean> {
  const target = (await readDefinitionInForce(ingested))?.migration?.target;
  if (target === undefined || (await readBinding(warehouse))?.modelId !== target) return false;
  const definition = await readDefinition(ingested, target);
  if (definition === undefined) throw new TransientError(`${modelKey(target)} is not there`);
  await publishModel(ingested, definition);
  return true;
}

/** Without a project there is the sample shop's model, which nobody means to put in the place of their own. */
export const isForeign = ({ folder, definition }: LoadedDefinition, inForce: ModelDefinition): boolean =>
  folder === undefined && definition.name !== inForce.name;

/** @throws {UsageError} rows would be lost if the one took the other's place */
export function assertFitting(inForce: ModelDefinition, next: ModelDefinition): void {
  const findings = compareModels(inForce, next);
  if (findings.length === 0) return;
  throw new UsageError(
    [
      'the model does not fit the tables of the model in force, which stays in force:',
      ...findings.map((finding) => `    ${describeFinding(finding)}`),
      'starlift migrate --plan shows what it takes to change them, and starlift migrate does it',
    ].join('\n'),
  );
}

/** One line that says which model it was and what became of it. */
export function describePublication(
  { number, hash, outcome }: Publication,
  { definition, folder }: LoadedDefinition,
): string {
  const from = folder === undefined ? 'the sample shop' : folder;
  const model = `model ${number} (${definition.name} of ${from}, ${hash.slice(0, 12)})`;
  return outcome === 'published' ? `published ${model}` : `${model} is in force already`;
}

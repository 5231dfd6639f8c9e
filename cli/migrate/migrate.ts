import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { ModelDefinition, NextTable } from '../../shared/model/define.ts';
import { assembleModel, type Model } from '../../shared/model/model.ts';
import { asNamedIn } from '../../shared/model/renames.ts';
import { formatObjectKey } from '../../shared/object-store/object-key.ts';
import { formatModelReplay } from '../../shared/queue/model-replay.ts';
import { isAccountedFor } from '../../shared/records/plan/slices.ts';
import {
  findInForce,
  hashOf,
  type Publication,
  publishModel,
  putModel,
  readDefinition,
  readDefinitionInForce,
} from '../../shared/records/published-model.ts';
import { adoptModel, noteModel } from '../../shared/warehouse/adopt-model.ts';
import { prepareWarehouse } from '../../shared/warehouse/ensure-warehouse.ts';
import type { ForeignKeys } from '../../shared/warehouse/relation.ts';
import { allowNullInAdded } from '../project/compare-models.ts';
import { assembleProject, type LoadedDefinition } from '../project/load-model.ts';
import { findTablesToBackfill, noteBackfill } from '../project/noted-backfill.ts';
import { isForeign, publishTakenOver } from '../project/publish-project.ts';
import { forgetBackfill, sendBackfill } from '../replay/backfill.ts';
import { sendReplay } from '../replay/replay.ts';
import { commandFor, type Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { describeObstacle } from './dependents.ts';
import { giveUpLost, listObjects, selectSlices, waitUntilFilled } from './fill.ts';
import { dropNextTables, makeNextTables } from './make-next.ts';
import { makeMigrationModel } from './next-tables.ts';
import { planMigration } from './plan.ts';
import { findTablesAnew } from './steps.ts';
import { NotReadyError, selectOpenTransactions, takeOver } from './take-over.ts';

export interface MigrationSite
  extends Pick<
    Site,
    | 'ingested'
    | 'processed'
    | 'sqs'
    | 'queueUrl'
    | 'connectWarehouse'
    | 'warehouseSchema'
    | 'listDeadLetters'
    | 'selector'
  > {
  foreignKeys: ForeignKeys;
  /** Has the source planned; absent where a schedule or a watch does. */
  plan?(): Promise<unknown>;
  say(line: string): void;
  /** Called with each model that is in force from then on. */
  onPublished?(definition: ModelDefinition): void;
  now(): Date;
  /** How long nothing may get done. */
  waitMs: number;
  /** Rows of objects that S3 has lost may be missing in tables that are filled anew. */
  acceptsLost?: boolean;
}

interface Migration {
  site: MigrationSite;
  client: pg.Client;
}

/**
 * Makes the model of a project the one in force, and changes the warehouse's tables to it. Whatever ends it, the next call
 * carries on from there.
 *
 * @throws {UsageError} the project cannot take the place of the model in force, or something is in the way: the message
 *   says what to type
 */
export async function migrate(site: MigrationSite, project: LoadedDefinition): Promise<Publication> {
  const client = await site.connectWarehouse();
  const migration = { site, client };
  try {
    await publishTakenOver(site.ingested, client);
    const known = await readInForce(site, project);
    if (known.migration === undefined) await put(migration, known);
    const { inForce: named, isUnderWay } = await resume(migration, known, project);
    const target = allowNullInAdded(named, project.definition);
    assembleProject(target);
    if (!isUnderWay) await assertNothingInTheWay(migration, named, target);
    const inForce = asNamedIn(named, target);
    // On their own, and first: a table that is filled anew then takes the place of one of the same name.
    if (!isUnderWay && inForce !== named) await put(migration, inForce);
    const anew = findTablesAnew(inForce, target);
    if (anew.length === 0) return await publishInPlace(migration, inForce, target);
    if (!isUnderWay)
      await begin(
        migration,
        inForce,
        target,
        anew.map(({ table }) => table),
      );
    return await finish(migration, inForce);
  } finally {
    await client.end();
  }
}

/** @throws {UsageError} there is none, or it is not for this project to replace */
async function readInForce(
  site: Pick<Site, 'ingested' | 'selector'>,
  project: LoadedDefinition,
): Promise<ModelDefinition> {
  const known = await readDefinitionInForce(site.ingested);
  if (known === undefined)
    throw new UsageError(`no model is in force yet: ${commandFor(site, 'run')} begins`);
  if (isForeign(project, known))
    throw new UsageError(`there is no project here: ${known.name} stays in force`);
  return known;
}

/** The model whose tables readers see, and the one that a migration would put in its place. */
export async function readMigration(
  site: Pick<Site, 'ingested' | 'selector'>,
  project: LoadedDefinition,
): Promise<{ known: ModelDefinition; target: ModelDefinition }> {
  const inForce = await readInForce(site, project);
  const from = inForce.migration && (await readDefinition(site.ingested, inForce.migration.from));
  const known = from ?? inForce;
  const target = allowNullInAdded(known, project.definition);
  assembleProject(target);
  return { known, target };
}

/** @throws {UsageError} a line for each thing that is in the way, with the statement that takes it away */
async function assertNothingInTheWay(
  { site, client }: Migration,
  known: ModelDefinition,
  target: ModelDefinition,
): Promise<void> {
  const { ingested, warehouseSchema: schema } = site;
  const { obstacles } = await planMigration(
    { client, ingested, schema, acceptsLost: site.acceptsLost === true },
    known,
    target,
  );
  if (obstacles.length === 0) return;
  throw new UsageError(
    [
      'nothing was changed, because these cannot be taken along:',
      ...obstacles.flatMap(describeObstacle),
    ].join('\n'),
  );
}

/**
 * Gives up a migration to another model than the project's.
 *
 * @returns the model whose tables readers see
 */
async function resume(
  { site, client }: Migration,
  known: ModelDefinition,
  { definition }: LoadedDefinition,
): Promise<{ inForce: ModelDefinition; isUnderWay: boolean }> {
  if (known.migration === undefined) return { inForce: known, isUnderWay: false };
  const from = await readDefinition(site.ingested, known.migration.from);
  if (from === undefined) throw new UsageError('the model that was in force before is gone from S3');
  if (hashOf(allowNullInAdded(from, definition)) === known.migration.target)
    return { inForce: from, isUnderWay: true };
  const { migration, ...rest } = known;
  const isNext = (name: string) => migration.tables.some(({ next }) => next === name);
  const kept = rest.tables.filter((table) => !('name' in table && isNext(table.name)));
  const frozen = from.tables.filter(
    (table) => 'name' in table && !kept.some((other) => 'name' in other && other.name === table.name),
  );
  const restored = { ...rest, tables: [...kept, ...frozen] };
  await put({ site, client }, restored);
  await dropNextTables(
    client,
    site.warehouseSchema,
    migration.tables.map(({ next }) => next),
    site.now(),
  );
  return { inForce: restored, isUnderWay: false };
}

async function publishInPlace(
  migration: Migration,
  inForce: ModelDefinition,
  target: ModelDefinition,
): Promise<Publication> {
  const { site } = migration;
  const known = await findInForce(site.ingested, target);
  if (known !== undefined) return known;
  await noteBackfill(site.ingested, findTablesToBackfill(inForce, target));
  const publication = await put(migration, target);
  await site.plan?.();
  await sendBackfill(site, { model: assembleModel(target), number: publication.number });
  return publication;
}

/** Publishes a model, and changes the warehouse's tables to it as far as they only get more. */
async function put({ site, client }: Migration, definition: ModelDefinition): Promise<Publication> {
  const publication = await publishModel(site.ingested, definition);
  site.onPublished?.(definition);
  const model = assembleModel(definition);
  const { warehouseSchema: schema, foreignKeys } = site;
  await adoptModel(
    client,
    { ...publication, model },
    {
      schema,
      readDefinition: (hash) => readDefinition(site.ingested, hash),
      looked: Number.POSITIVE_INFINITY,
    },
  );
  const refused = await prepareWarehouse(client, model, { schema, foreignKeys, deferKeys: true });
  for (const refusal of refused.values()) throw refusal;
  await noteModel(client, { ...publication, model });
  return publication;
}

/** Makes the tables that are to be filled, and has the pipeline fill them. */
async function begin(
  migration: Migration,
  inForce: ModelDefinition,
  target: ModelDefinition,
  anew: readonly string[],
): Promise<void> {
  const { site, client } = migration;
  const { warehouseSchema: schema, foreignKeys } = site;
  const definition = chooseModel(inForce, target, anew);
  const [before, migrating] = [assembleProject(inForce), assembleProject(definition)];
  const nexts = definition.migration?.tables.map(({ next }) => next) ?? [];
  const taken = nexts.find((name) => inForce.tables.some((table) => 'name' in table && table.name === name));
  if (taken !== undefined) throw new UsageError(`the model has a table ${taken} of its own: rename it first`);
  for (const { table } of definition.migration?.tables ?? [])
    await giveUpLost(client, site.ingested, before, table);
  // What a migration has left that was given up by publishing another model.
  await dropNextTables(client, schema, nexts, site.now());
  await makeNextTables(client, { inForce: before, migrating }, { schema, foreignKeys });
  await putModel(site.ingested, target);
  await noteBackfill(site.ingested, findTablesToBackfill(inForce, definition));
  await put(migration, definition);
}

/** Where the source no longer has what the tables are made of, they stay as they are until the others are filled. */
function chooseModel(
  inForce: ModelDefinition,
  target: ModelDefinition,
  anew: readonly string[],
): ModelDefinition {
  const definition = makeMigrationModel(inForce, target, { anew });
  try {
    assembleModel(definition);
    return definition;
  } catch {
    return makeMigrationModel(inForce, target, { anew, isFrozen: true });
  }
}

/** Fills the tables, and has them take the others' places. */
async function finish(migration: Migration, inForce: ModelDefinition): Promise<Publication> {
  const { site, client } = migration;
  const definition = await readDefinitionInForce(site.ingested);
  const steps = definition?.migration;
  if (definition === undefined || steps === undefined)
    throw new UsageError('another model was published meanwhile');
  const current = await put(migration, definition);
  const migrating = assembleModel(definition);
  await site.plan?.();
  await sendBackfill(site, { model: migrating, number: current.number });
  const wanted = await readDefinition(site.ingested, steps.target);
  if (wanted === undefined) throw new UsageError(`the model ${steps.target} is gone from S3`);
  const target = assembleModel(wanted);
  const sent = new Set<string>();
  const send = (keys: readonly string[]) => sendAnew(site, migrating, keys, current.number);
  await repeatUntilReady(site, async () => {
    await waitUntilFilled(client, site, { model: migrating, tables: steps.tables }, { ...site, send, sent });
    await waitForOpenTransactions(client, site);
    await takeOver(client, {
      schema: site.warehouseSchema,
      foreignKeys: site.foreignKeys,
      before: assembleModel(inForce),
      migrating,
      migratingHash: current.hash,
      target,
      targetNumber: current.number + 1,
      now: site.now(),
      mayLack: site.acceptsLost === true,
    });
  });
  await noteBackfill(site.ingested, namesOf(steps.tables));
  const publication = await put(migration, wanted);
  await sendMissing(migration, target, { tables: steps.tables, number: publication.number });
  return publication;
}

const namesOf = (tables: readonly NextTable[]): string[] => tables.map(({ table }) => table);

/** Prints what it waits for when that changes. */
async function repeatUntilReady(
  { say, waitMs }: Pick<MigrationSite, 'say' | 'waitMs'>,
  work: () => Promise<void>,
): Promise<void> {
  const begun = performance.now();
  let told: string | undefined;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof NotReadyError) || performance.now() - begun > waitMs) throw error;
      if (error.message !== told) say(error.message);
      told = error.message;
    }
    await delay(secondMs);
  }
}

const secondMs = 1000;

/** Outside of any lock: only what has begun since is waited for under one. */
async function waitForOpenTransactions(
  client: pg.ClientBase,
  { say, waitMs }: Pick<MigrationSite, 'say' | 'waitMs'>,
): Promise<void> {
  const before = await selectOpenTransactions(client);
  const begun = performance.now();
  let hasTold = false;
  for (;;) {
    const now = await selectOpenTransactions(client);
    const open = [...before].find(([id]) => now.has(id));
    if (open === undefined) return;
    const waited = performance.now() - begun;
    if (waited > waitMs) throw new NotReadyError(`the transaction of pid ${open[1]} does not end`);
    if (!hasTold && waited > secondMs)
      say(`waits for the transaction of pid ${open[1]}, which may read the tables`);
    hasTold ||= waited > secondMs;
    await delay(50);
  }
}

/** What was on its way to a table that has another name now. */
async function sendMissing(
  { site, client }: Migration,
  model: Model,
  { tables, number }: { tables: readonly NextTable[]; number: number },
): Promise<void> {
  const keys = new Set<string>();
  for (const { table } of tables) {
    const known = await selectSlices(client, table);
    for (const key of await listObjects(site.ingested, model, table))
      if (!isAccountedFor(known, table, key)) keys.add(formatObjectKey(key));
  }
  await sendAnew(site, model, [...keys], number);
  await forgetBackfill(site.ingested);
}

/** Has ingested objects transformed by the model in force, or a later one. */
const sendAnew = (
  site: MigrationSite,
  model: Model,
  keys: readonly string[],
  number: number,
): Promise<void> =>
  sendReplay(site, model, { zone: 'ingested', id: formatModelReplay(number), keys, now: site.now() });

import type pg from 'pg';
import { RefusedError, TransientError } from '../errors.ts';
import { readBinding, type WarehouseBinding } from '../ledger/binding.ts';
import { ledgerRelations, migrateLedger } from '../ledger/schema/ledger-relations.ts';
import { bindingTable, parkedName, parkedTable, warehouseLocks } from '../ledger/schema/ledger-schema.ts';
import { renameInLedger } from '../ledger/schema/rename-table.ts';
import type { ModelDefinition } from '../model/define.ts';
import { assembleModel, type Model } from '../model/model.ts';
import { findRenames, type Renames, withRenames } from '../model/renames.ts';
import { quoteIdentifier, quoteQualified } from '../postgres/identifier.ts';
import { inTransaction } from '../postgres/transaction.ts';
import type { PublishedModel } from '../records/published-model.ts';
import { readCatalog } from './catalog.ts';
import { currentNameOf, parseViewComment } from './current/current-view.ts';
import { makeCurrentViews } from './current/keep-current-views.ts';
import { catalogType, type Relation, type RelationColumn } from './relation.ts';
import { warehouseRelations } from './warehouse-schema.ts';
import { isWider } from './wider-type.ts';

/** A later model than the caller's is in force in the warehouse: the caller has to look for it. */
export class LaterModelError extends TransientError {
  readonly number: number;

  constructor(number: number) {
    super(`the warehouse's tables are those of model ${number}, which this process does not know yet`);
    this.number = number;
  }
}

export interface AdoptOptions {
  /** The schema of the star schema's tables. */
  schema: string;
  /** Reads a model by its hash; undefined where there is none. */
  readDefinition(hash: string): Promise<ModelDefinition | undefined>;
  /** The greatest number that was looked for: the warehouse's may be no greater. */
  looked: number;
}

/**
 * Changes the warehouse's tables from the model that they were made by to the one in force, where that only adds: a new
 * column that may be null, a column that may be null from now on, as one that the model has no longer; and what a migration
 * may ask for: another name, a wider type. One transaction, in which the views of current rows get the columns too, and the
 * binding the model's number, so that a load which has locked its table learns from the binding what the table is.
 *
 * Nothing is done where the binding names no model, for then it is not known what a user has changed by hand.
 *
 * @throws {LaterModelError} the warehouse has a later model
 * @throws {RefusedError} a table is locked, or is not the role's own; or the warehouse is ahead of the publication
 */
export async function adoptModel(
  client: pg.ClientBase,
  published: PublishedModel,
  { schema, readDefinition, looked }: AdoptOptions,
): Promise<void> {
  const known = await readBinding(client);
  if (known?.modelId == null) return;
  assertNotLater(known.modelNumber, looked);
  if (known.modelId === published.hash && known.modelNumber === published.number) return;
  assertNotTakenOver(known, published.model);
  const definition = known.modelId === published.hash ? undefined : await readDefinition(known.modelId);
  const next = definition && (await readDefinition(published.hash));
  const renames = definition && next ? findRenames(definition, next) : undefined;
  const changes =
    definition === undefined
      ? []
      : columnChanges(
          assembleModel(renames ? withRenames(definition, renames) : definition),
          published.model,
          schema,
        );
  await migrateLedger(client);
  const isOurs = await inTransaction(client, async () => {
    await client.query('select pg_advisory_xact_lock($1, $2)', [...warehouseLocks.tables]);
    if ((await readBinding(client))?.modelId !== known.modelId) return false;
    // Everybody who reads the table waits behind a statement that waits for it.
    await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
    if (renames !== undefined) await rename(client, renames, schema);
    const widened = changes.filter(({ what }) => what === 'wider').map(({ relation }) => relation.name);
    for (const table of new Set(widened)) await dropOwnView(client, schema, table);
    for (const statement of await selectStatements(client, changes)) await alter(client, statement);
    await makeCurrentViews(client, published.model, schema);
    await writeModel(client, published);
    return true;
  });
  // Another process was faster, perhaps with another model.
  if (!isOurs) await adoptModel(client, published, { schema, readDefinition, looked });
}

/**
 * Notes by which model the tables were made, where the binding does not say.
 *
 * @param client of a warehouse that is bound, and whose tables are the model's
 */
export async function noteModel(client: pg.ClientBase, published: PublishedModel): Promise<void> {
  const known = await readBinding(client);
  if (known === undefined || known.modelId !== null) return;
  await inTransaction(client, () => writeModel(client, published, 'where model_id is null'));
}

/** Callers tell a pointer that they have looked at apart: its number is right, whatever the warehouse says. */
export function assertNotLater(found: number | null, looked: number): void {
  if (found !== null && found > looked) throw new LaterModelError(found);
}

/** @throws {RefusedError} the tables that the model has twice have taken the others' places, and it is about to be replaced */
export function assertNotTakenOver(known: WarehouseBinding | undefined, { migration }: Model): void {
  if (migration === undefined || known?.modelId !== migration.target) return;
  throw new RefusedError(
    'the tables of a new model have taken their places, and the model is not published yet: starlift migrate does that',
    { by: 'warehouse' },
  );
}

const lockTimeoutMs = 2000;

const writeModel = (client: pg.ClientBase, { hash, number }: PublishedModel, condition = '') =>
  client.query(`update ${bindingTable} set model_id = $1, model_number = $2 ${condition}`, [hash, number]);

async function alter(client: pg.ClientBase, statement: string): Promise<void> {
  try {
    await client.query(statement);
  } catch (error) {
    if ((error as { code?: unknown }).code !== '42501') throw error;
    throw new RefusedError(
      `the model has changed, and this role may not change the warehouse's tables. Run as their owner: ${statement}`,
      { by: 'warehouse', cause: error },
    );
  }
}

/** A name that is not there, or is taken already, is a user's own affair. */
async function rename(client: pg.ClientBase, { tables, columns }: Renames, schema: string): Promise<void> {
  for (const { from, to } of tables) {
    const pairs = [
      [quoteQualified(schema, from), quoteQualified(schema, to), to],
      [parkedTable(from), parkedTable(to), parkedName(to)],
    ] as const;
    for (const [before, after, name] of pairs) {
      if (!(await isThere(client, before)) || (await isThere(client, after))) continue;
      await alter(client, `alter table ${before} rename to ${quoteIdentifier(name)}`);
    }
    await renameInLedger(client, from, to);
    const [view, wanted] = [currentNameOf(from), currentNameOf(to)];
    if (!(await isOwnView(client, quoteQualified(schema, view)))) continue;
    if (await isThere(client, quoteQualified(schema, wanted))) continue;
    await alter(client, `alter view ${quoteQualified(schema, view)} rename to ${quoteIdentifier(wanted)}`);
  }
  for (const { table, from, to } of columns) {
    for (const each of [quoteQualified(schema, table), parkedTable(table)]) {
      const found = await selectColumns(client, each, [from, to]);
      if (!found.has(from) || found.has(to)) continue;
      await alter(
        client,
        `alter table ${each} rename column ${quoteIdentifier(from)} to ${quoteIdentifier(to)}`,
      );
    }
  }
}

/** No type changes below a view; `makeCurrentViews` makes it again. */
async function dropOwnView(client: pg.ClientBase, schema: string, table: string): Promise<void> {
  const view = quoteQualified(schema, currentNameOf(table));
  if (await isOwnView(client, view)) await alter(client, `drop view ${view}`);
}

async function isOwnView(client: pg.ClientBase, view: string): Promise<boolean> {
  const { rows } = await client.query<{ comment: string | null }>(
    `select obj_description(to_regclass($1), 'pg_class') as comment`,
    [view],
  );
  return parseViewComment(rows[0]?.comment ?? null) !== undefined;
}

async function isThere(client: pg.ClientBase, table: string): Promise<boolean> {
  return (await client.query('select where to_regclass($1) is not null', [table])).rowCount === 1;
}

async function selectColumns(
  client: pg.ClientBase,
  table: string,
  names: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await client.query<{ name: string }>(
    `select attname as name from pg_attribute
      where attrelid = to_regclass($1) and attname = any ($2::text[]) and not attisdropped`,
    [table, names],
  );
  return new Set(rows.map(({ name }) => name));
}

/** A column that the later model's table has, and the earlier one's has not, or not so. */
interface ColumnChange {
  relation: Relation;
  column: RelationColumn;
  /** - `nullable`: it may be null from now on; `wider`: it has another type, which holds the values as they are */
  what: 'new' | 'nullable' | 'wider';
}

function columnChanges(before: Model, after: Model, schema: string): ColumnChange[] {
  const relationsOf = (model: Model): Relation[] => [
    ...ledgerRelations(model),
    ...warehouseRelations(model, schema),
  ];
  const earlier = new Map(relationsOf(before).map((relation) => [nameOf(relation), relation]));
  return relationsOf(after).flatMap((relation) => {
    const known = earlier.get(nameOf(relation));
    if (known === undefined) return [];
    const changed = relation.columns.flatMap((column) => {
      const earlierColumn = known.columns.find(({ name }) => name === column.name);
      if (earlierColumn === undefined)
        return column.nullable ? [{ relation, column, what: 'new' } as const] : [];
      const found: ColumnChange[] = [];
      if (isWider(earlierColumn.type, column.type)) found.push({ relation, column, what: 'wider' });
      if (column.nullable && !earlierColumn.nullable) found.push({ relation, column, what: 'nullable' });
      return found;
    });
    // Rows come without these from now on.
    const gone = known.columns.filter(
      ({ name, nullable }) => !nullable && !relation.columns.some((column) => column.name === name),
    );
    return [...changed, ...gone.map((column) => ({ relation, column, what: 'nullable' }) as const)];
  });
}

/** What a user has made or dropped by hand stays so. */
async function selectStatements(client: pg.ClientBase, changes: readonly ColumnChange[]): Promise<string[]> {
  const catalog = await readCatalog(client, [...new Set(changes.map(({ relation }) => relation))]);
  return changes.flatMap(({ relation, column: { name, type }, what }) => {
    const table = catalog.find((each) => each.schema === relation.schema && each.name === relation.name);
    if (table === undefined) return [];
    const found = table.columns.find((column) => column.name === name);
    const alterTable = `alter table ${nameOf(relation)}`;
    if (what === 'wider') {
      const isDone = found === undefined || found.type === catalogType(type);
      return isDone ? [] : [`${alterTable} alter column ${quoteIdentifier(name)} type ${type}`];
    }
    if (found === undefined)
      return what === 'new' ? [`${alterTable} add column ${quoteIdentifier(name)} ${type}`] : [];
    return found.notNull ? [`${alterTable} alter column ${quoteIdentifier(name)} drop not null`] : [];
  });
}

const nameOf = ({ schema, name }: Relation): string => quoteQualified(schema, name);

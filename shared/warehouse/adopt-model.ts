import type pg from 'pg';
import { RefusedError, TransientError } from '../errors.ts';
import { readBinding } from '../ledger/binding.ts';
import { ledgerRelations, migrateLedger } from '../ledger/ledger-relations.ts';
import { bindingTable, warehouseLocks } from '../ledger/ledger-schema.ts';
import type { ModelDefinition } from '../model/define.ts';
import { assembleModel, type Model } from '../model/model.ts';
import { quoteIdentifier, quoteQualified } from '../postgres/identifier.ts';
import { inTransaction } from '../postgres/transaction.ts';
import type { PublishedModel } from '../records/published-model.ts';
import { readCatalog } from './catalog.ts';
import { makeCurrentViews } from './keep-current-views.ts';
import type { Relation, RelationColumn } from './relation.ts';
import { warehouseRelations } from './warehouse-schema.ts';

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
 * column that may be null, a column that may be null from now on, as one that the model has no longer. One transaction, in
 * which the views of current rows get the columns too, and the binding the model's number, so that a load which has locked its
 * table learns from the binding what the table is.
 *
 * Nothing is done where the binding names no model, for then it is not known what a user has changed by hand.
 *
 * @throws {LaterModelError} the warehouse has a later model
 * @throws {RefusedError} a table is locked, or is not the role's own
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
  const definition = known.modelId === published.hash ? undefined : await readDefinition(known.modelId);
  const changes =
    definition === undefined ? [] : columnChanges(assembleModel(definition), published.model, schema);
  await migrateLedger(client);
  const isOurs = await inTransaction(client, async () => {
    await client.query('select pg_advisory_xact_lock($1, $2)', [...warehouseLocks.tables]);
    if ((await readBinding(client))?.modelId !== known.modelId) return false;
    // Everybody who reads the table waits behind a statement that waits for it.
    await client.query(`set local lock_timeout = ${lockTimeoutMs}`);
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

/** A column that the later model's table has, and the earlier one's has not, or not so that it may be null. */
interface ColumnChange {
  relation: Relation;
  column: RelationColumn;
  /** The earlier one has no such column. */
  isNew: boolean;
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
      if (!column.nullable || earlierColumn?.nullable === true) return [];
      return [{ relation, column, isNew: earlierColumn === undefined }];
    });
    // Rows come without these from now on.
    const gone = known.columns.filter(
      ({ name, nullable }) => !nullable && !relation.columns.some((column) => column.name === name),
    );
    return [...changed, ...gone.map((column) => ({ relation, column, isNew: false }))];
  });
}

/** What a user has made or dropped by hand stays so. */
async function selectStatements(client: pg.ClientBase, changes: readonly ColumnChange[]): Promise<string[]> {
  const catalog = await readCatalog(client, [...new Set(changes.map(({ relation }) => relation))]);
  return changes.flatMap(({ relation, column: { name, type }, isNew }) => {
    const table = catalog.find((each) => each.schema === relation.schema && each.name === relation.name);
    if (table === undefined) return [];
    const found = table.columns.find((column) => column.name === name);
    const alterTable = `alter table ${nameOf(relation)}`;
    if (found === undefined)
      return isNew ? [`${alterTable} add column ${quoteIdentifier(name)} ${type}`] : [];
    return found.notNull ? [`${alterTable} alter column ${quoteIdentifier(name)} drop not null`] : [];
  });
}

const nameOf = ({ schema, name }: Relation): string => quoteQualified(schema, name);

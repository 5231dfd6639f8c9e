import type pg from 'pg';
import { formatType, type ModelDefinition, type SourceDefinition } from '../../shared/model/define.ts';
import { assembleModel, type Model } from '../../shared/model/model.ts';
import { asNamedIn, findRenames } from '../../shared/model/renames.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { quoteIdentifier, quoteQualified } from '../../shared/postgres/identifier.ts';
import { isWider } from '../../shared/warehouse/wider-type.ts';
import { formatObjects, formatRows } from '../terminal/wording.ts';
import { findCarried } from './carry-over.ts';
import { findObstacles, findViews, type Obstacle } from './dependents.ts';
import { countLost, listObjects } from './fill.ts';
import { type FedDefinition, fedTables, findTablesAnew } from './steps.ts';

export interface MigrationStep {
  /** As the project names it. */
  table: string;
  what: 'make' | 'rename' | 'add column' | 'widen type' | 'fill anew' | 'leave';
  /** One line, without the table. */
  text: string;
  /** The rows that it has; null where it is not there. */
  rows: number | null;
  /** Objects in S3 that it is filled from; null where it is not. */
  objects: number | null;
  notes: string[];
}

export interface MigrationPlan {
  steps: MigrationStep[];
  /** What keeps the migration from beginning. */
  obstacles: Obstacle[];
}

interface PlanContext {
  client: pg.ClientBase;
  ingested: Pick<ObjectStore, 'list'>;
  schema: string;
  /** Under the names of the target. */
  inForce: ModelDefinition;
  target: ModelDefinition;
  before: Model;
  after: Model;
  /** The name that a table has until it is renamed. */
  nameNow(table: string): string;
  /** The same of a column. */
  columnNow(table: string, column: string): string;
  isRenamed(table: string, columnNow: string): boolean;
  acceptsLost: boolean;
}

/**
 * Says what a migration to a model does, table by table; changes nothing.
 *
 * @param known the model whose tables readers see
 */
export async function planMigration(
  {
    client,
    ingested,
    schema,
    acceptsLost = false,
  }: Pick<PlanContext, 'client' | 'ingested' | 'schema'> & Partial<Pick<PlanContext, 'acceptsLost'>>,
  known: ModelDefinition,
  target: ModelDefinition,
): Promise<MigrationPlan> {
  const renames = findRenames(known, target);
  const inForce = asNamedIn(known, target);
  const context: PlanContext = {
    client,
    ingested,
    schema,
    acceptsLost,
    inForce,
    target,
    before: assembleModel(inForce),
    after: assembleModel(target),
    nameNow: (table) => renames.tables.find(({ to }) => to === table)?.from ?? table,
    columnNow: (table, column) =>
      renames.columns.find((each) => each.table === table && each.to === column)?.from ?? column,
    isRenamed: (table, column) =>
      renames.columns.some((each) => each.table === table && each.from === column),
  };
  const plan: MigrationPlan = { steps: [], obstacles: [] };
  for (const { from, to } of renames.tables)
    plan.steps.push({ ...(await describe(context, to)), what: 'rename', text: `renamed from ${from}` });
  for (const { table, from, to } of renames.columns)
    plan.steps.push({
      ...(await describe(context, table)),
      what: 'rename',
      text: `its column ${from} renamed to ${to}`,
    });
  const anew = new Map(findTablesAnew(known, target).map(({ table, reasons }) => [table, reasons]));
  const tables = new Map(fedTables(inForce).map((table) => [table.name, table]));
  for (const table of fedTables(target)) {
    const earlier = tables.get(table.name);
    const reasons = anew.get(table.name);
    if (earlier === undefined) plan.steps.push(await planNew(context, table));
    else if (reasons !== undefined) await planAnew(context, table, reasons, plan);
    else await planColumns(context, earlier, table, plan);
  }
  for (const { name } of fedTables(inForce)) {
    if (fedTables(target).some((table) => table.name === name)) continue;
    plan.steps.push({
      ...(await describe(context, name)),
      text: 'no longer in the model: it stays as it is',
    });
  }
  return plan;
}

async function describe({ client, schema, nameNow }: PlanContext, table: string): Promise<MigrationStep> {
  const rows = await countRows(client, quoteQualified(schema, nameNow(table)));
  return { table, what: 'leave', text: '', rows, objects: null, notes: [] };
}

async function countRows(client: pg.ClientBase, table: string): Promise<number | null> {
  const { rowCount } = await client.query('select where to_regclass($1) is not null', [table]);
  if (rowCount === 0) return null;
  const { rows } = await client.query<{ rows: number }>(`select count(*)::float8 as rows from ${table}`);
  return rows[0]?.rows ?? 0;
}

async function planNew(context: PlanContext, { name }: FedDefinition): Promise<MigrationStep> {
  return {
    ...(await describe(context, name)),
    what: 'make',
    text: 'made, and filled by a full extract of its source',
  };
}

async function planAnew(
  context: PlanContext,
  { name }: FedDefinition,
  reasons: readonly string[],
  plan: MigrationPlan,
): Promise<void> {
  const { client, ingested, schema, before, after, nameNow, isRenamed } = context;
  const step = await describe(context, name);
  const objects = (await listObjects(ingested, after, name)).length;
  const notes = [...reasons];
  const lost = await countLost(client, ingested, before, { table: name, ledgerName: nameNow(name) });
  if (lost > 0 && !context.acceptsLost) {
    const what = `${formatObjects(lost)} of ${name} no longer in S3: rows that nothing else has would be missing`;
    plan.obstacles.push({ oid: '0', what, command: 'starlift migrate --accept-lost' });
  } else if (lost > 0) {
    notes.push(
      `${formatObjects(lost)} of it no longer in S3: rows that nothing else has are not in the new table`,
    );
  }
  const { matching, kept, surrogate } = await findCarried(client, name, {
    schema,
    before,
    target: after,
    nameNow: nameNow(name),
  });
  if (surrogate !== undefined && matching === undefined)
    notes.push(`its rows get new numbers (${surrogate.next}): the new key cannot be found in the old rows`);
  const own = kept.filter((column) => column.name !== surrogate?.before && !isRenamed(name, column.name));
  if (own.length > 0 && matching !== undefined)
    notes.push(
      `columns that are not in the model are taken along: ${own.map((column) => column.name).join(', ')}`,
    );
  const oid = await selectOid(client, quoteQualified(schema, nameNow(name)));
  if (own.length > 0 && matching === undefined && oid !== undefined) {
    for (const column of own)
      plan.obstacles.push({
        oid,
        what: `the column ${column.name} of ${name}, which is not in the model, and whose rows cannot be found by the new key`,
        command: `alter table ${quoteQualified(schema, nameNow(name))} drop column ${quoteIdentifier(column.name)}`,
      });
  }
  if (oid !== undefined) plan.obstacles.push(...(await findObstacles(client, [oid])));
  plan.steps.push({
    ...step,
    what: 'fill anew',
    text: `filled anew from ${formatObjects(objects)}, then takes the place of the one with ${formatRows(step.rows ?? 0)}`,
    objects,
    notes,
  });
}

async function selectOid(client: pg.ClientBase, table: string): Promise<string | undefined> {
  const { rows } = await client.query<{ oid: string | null }>('select to_regclass($1)::oid::text as oid', [
    table,
  ]);
  return rows[0]?.oid ?? undefined;
}

async function planColumns(
  context: PlanContext,
  earlier: FedDefinition,
  table: FedDefinition,
  plan: MigrationPlan,
): Promise<void> {
  const { client, schema, nameNow } = context;
  const { name } = table;
  for (const [column, { type, from }] of Object.entries(table.columns)) {
    const known = earlier.columns[column];
    if (known === undefined) {
      const step = await describe(context, name);
      const objects = (await listObjects(context.ingested, context.after, name)).length;
      const lacking = isInZone(from.field, earlier.source) ? 0 : await countOlder(context, table);
      const note = `${formatRows(lacking)} of older versions stay null in ${column}: no object in S3 has ${from.field}`;
      plan.steps.push({
        ...step,
        what: 'add column',
        text: `gets the column ${column}, filled from ${formatObjects(objects)}`,
        objects,
        notes: lacking > 0 ? [note] : [],
      });
    } else if (isWider(formatType(known.type), formatType(type))) {
      const text = `its column ${column} becomes ${formatType(type)} (it is ${formatType(known.type)})`;
      plan.steps.push({ ...(await describe(context, name)), what: 'widen type', text });
      const oid = await selectOid(client, quoteQualified(schema, nameNow(name)));
      if (oid !== undefined) plan.obstacles.push(...(await findViews(client, oid)));
    }
  }
  const gone = Object.keys(earlier.columns).filter((column) => !(column in table.columns));
  if (gone.length === 0) return;
  const text = `no longer in the model: ${gone.join(', ')}; stays, and is null for new rows`;
  plan.steps.push({ ...(await describe(context, name)), text });
}

/** Whether objects that were ingested by the earlier model have the field. */
function isInZone(field: string, { columns, excluded, joins }: SourceDefinition): boolean {
  const dot = field.lastIndexOf('.');
  if (dot < 0) return Object.hasOwn(columns, field) && excluded?.includes(field) !== true;
  const join = joins?.find(({ path }) => path === field.slice(0, dot));
  return join !== undefined && Object.hasOwn(join.columns, field.slice(dot + 1));
}

/** A full extract brings the latest version of each key. */
async function countOlder(
  { client, schema, nameNow, columnNow }: PlanContext,
  table: FedDefinition,
): Promise<number> {
  if (table.kind !== 'fact' || table.versions.length === 0) return 0;
  const name = quoteQualified(schema, nameNow(table.name));
  const key = table.key.map((column) => quoteIdentifier(columnNow(table.name, column))).join(', ');
  const { rows } = await client.query<{ older: number }>(
    `select ((select count(*) from ${name}) - (select count(*) from (select distinct ${key} from ${name}) k))::float8 as older`,
  );
  return rows[0]?.older ?? 0;
}

import { createHash } from 'node:crypto';
import type { Model } from '../../model/model.ts';
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../../postgres/identifier.ts';
import { matches } from '../is-newer.ts';
import { deletedByColumn, maxNameBytes, warehouseRelations } from '../warehouse-schema.ts';

/** A view of the latest version of each key that is not deleted, one for each of the star schema's tables. */
export interface CurrentView {
  schema: string;
  table: string;
  name: string;
  /** The table's columns that it shows. */
  columns: readonly string[];
  key: readonly string[];
  /** The columns that tell versions of a key apart; none where the table has the latest state alone. */
  versions: readonly string[];
  /** Whether the table marks rows whose key is gone. */
  hasMarks: boolean;
}

const suffix = '_current';

/** The view's name of a table, where it has one. */
export const currentNameOf = (table: string): string => `${table}${suffix}`;

/**
 * The views that the model wants. A table has none where Postgres would cut the view's name, or where another of the model's
 * tables has that name.
 */
export function currentViews(model: Model, schema: string): CurrentView[] {
  const taken = new Set(model.tables.map(({ name }) => name));
  return warehouseRelations(model, schema).flatMap(({ name: table, columns }) => {
    const name = currentNameOf(table);
    if (taken.has(name) || Buffer.byteLength(name) > maxNameBytes) return [];
    const definition = model.table(table);
    return [
      {
        schema,
        table,
        name,
        columns: columns.map((column) => column.name).filter((column) => column !== deletedByColumn),
        key: definition.key,
        versions: definition.kind === 'fact' ? definition.versions : [],
        // Rows that are kept may have marks of a time in which they were not.
        hasMarks:
          definition.kind !== 'calendar' &&
          definition.deletes !== 'keep' &&
          columns.some((column) => column.name === deletedByColumn),
      },
    ];
  });
}

/** The first version in which a view can read with the rights of whoever asks it. */
export const invokersSince = 150_000;

/**
 * The statements that make the view, or change it where it begins with the same columns.
 *
 * It names nothing of the ledger's schema, or dropping that would take it along. It reads with the rights of whoever asks,
 * so that row-level security of the table holds; a server that cannot do that gets no view of such a table.
 */
export function currentViewStatements(view: CurrentView): string[] {
  const name = quoteQualified(view.schema, view.name);
  const byInvoker = quoteLiteral(`alter view ${name} set (security_invoker = true)`);
  const whereKnown = `begin if current_setting('server_version_num')::int >= ${invokersSince} then execute ${byInvoker}; end if; end`;
  return [
    `create or replace view ${name} as\n${selectCurrent(view)}`,
    `do ${quoteLiteral(whereKnown)}`,
    commentStatement(view),
  ];
}

/**
 * A view's comment says that it is ours, and what it was made of.
 *
 * @param seal says what Postgres has made of the definition: another one, and somebody else has changed the view
 */
export function commentStatement(view: CurrentView, seal?: string): string {
  const marks = [hashOfView(view), ...(seal === undefined ? [] : [seal])].join(' ');
  const comment = `The latest version of each key of ${view.table} that is not deleted. Kept by Starlift (${marks})`;
  return `comment on view ${quoteQualified(view.schema, view.name)} is ${quoteLiteral(comment)}`;
}

/** @returns undefined for a comment of somebody else */
export function parseViewComment(comment: string | null): { hash: string; seal?: string } | undefined {
  const [, hash, seal] = /Kept by Starlift \(([0-9a-f]{16})(?: (\S+))?\)$/.exec(comment ?? '') ?? [];
  if (hash === undefined) return undefined;
  return seal === undefined ? { hash } : { hash, seal };
}

/** Of the view's definition. */
export const hashOfView = (view: CurrentView): string =>
  createHash('sha256').update(selectCurrent(view)).digest('hex').slice(0, 16);

/**
 * Marked rows are left out first: of a key that was deleted and came back under an older version, that version is current.
 *
 * An anti-join and not `distinct on`: a condition on any column reaches the table, and a whole scan need not sort.
 */
function selectCurrent({ schema, table, columns, key, versions, hasMarks }: CurrentView): string {
  const quoted = quoteQualified(schema, table);
  const isUnmarked = (alias: string) =>
    hasMarks ? [`${alias}.${quoteIdentifier(deletedByColumn)} is null`] : [];
  const row = (alias: string) =>
    `(${versions.map((column) => `${alias}.${quoteIdentifier(column)}`).join(', ')})`;
  const conditions = [...isUnmarked('t')];
  if (versions.length > 0) {
    const newer = [
      matches(key.map(quoteIdentifier), 'newer', 't'),
      `${row('newer')} > ${row('t')}`,
      ...isUnmarked('newer'),
    ];
    conditions.push(`not exists (select from ${quoted} newer where ${newer.join(' and ')})`);
  }
  const list = columns.map((column) => `t.${quoteIdentifier(column)}`).join(', ');
  const where = conditions.length === 0 ? '' : `\n where ${conditions.join('\n   and ')}`;
  return `select ${list}\n  from ${quoted} t${where}`;
}

import { createHash } from 'node:crypto';
import {
  dimensionOfVersions,
  historyNameOf,
  isHistory,
  validFromColumn,
  validToColumn,
  versionColumn,
} from '../../model/history.ts';
import type { CalendarColumn, Model, WarehouseColumn } from '../../model/model.ts';
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../../postgres/identifier.ts';
import { matches } from '../is-newer.ts';
import { deletedByColumn, maxNameBytes, warehouseRelations } from '../warehouse-schema.ts';

/**
 * A view of the latest version of each key that is not deleted, one for each of the star schema's tables; of a table with a
 * dimension's versions, all of them, each with the time for which it held.
 */
export interface CurrentView {
  schema: string;
  table: string;
  name: string;
  /** The columns that it shows: the table's, and of versions until when each held. */
  columns: readonly string[];
  key: readonly string[];
  /** The columns that tell versions of a key apart; none where the table has the latest state alone. */
  versions: readonly string[];
  /** Whether the table marks rows whose key is gone. */
  hasMarks: boolean;
  /** Of a table with a dimension's versions: those of its columns that may differ from one version to the next, as SQL. */
  compared?: readonly string[];
}

const suffix = '_current';

/** The view's name of a table, where it has one. */
export function currentNameOf(table: string): string {
  const dimension = dimensionOfVersions(table);
  return dimension === undefined ? `${table}${suffix}` : historyNameOf(dimension);
}

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
    const isVersions = isHistory(definition);
    return [
      {
        schema,
        table,
        name,
        columns: [
          ...columns
            .map((column) => column.name)
            .filter((column) => column !== deletedByColumn && column !== versionColumn),
          ...(isVersions ? [validToColumn] : []),
        ],
        key: definition.key,
        versions: definition.kind === 'fact' ? definition.versions : [],
        // Rows that are kept may have marks of a time in which they were not.
        hasMarks:
          definition.kind !== 'calendar' &&
          definition.deletes !== 'keep' &&
          columns.some((column) => column.name === deletedByColumn),
        ...(isVersions && { compared: definition.columns.map(comparedAs) }),
      },
    ];
  });
}

/** json, and some of the types that travel as text, have no equality in Postgres. */
const comparedAs = ({ name, type }: WarehouseColumn | CalendarColumn): string =>
  `t.${quoteIdentifier(name)}${type.name === 'json' || type.name === 'carried' ? '::text' : ''}`;

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
    `create or replace view ${name} as\n${selectOf(view)}`,
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
  const what =
    view.compared === undefined
      ? `The latest version of each key of ${view.table} that is not deleted`
      : `Every version in ${view.table}, and from when until when it held`;
  const comment = `${what}. Kept by Starlift (${marks})`;
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
  createHash('sha256').update(selectOf(view)).digest('hex').slice(0, 16);

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

const selectOf = (view: CurrentView): string =>
  view.compared === undefined ? selectCurrent(view) : selectHistory(view, view.compared);

/**
 * A version that was read again without a change is no other. A clock that was set back leaves a version that held for no time.
 * The last one of a key that is deleted ends when the census came that lacked it: the ids of the ledger are times.
 */
function selectHistory(
  { schema, table, columns, key, hasMarks }: CurrentView,
  compared: readonly string[],
): string {
  const [from, to] = [quoteIdentifier(validFromColumn), quoteIdentifier(validToColumn)];
  const mark = `t.${quoteIdentifier(deletedByColumn)}`;
  const version = `t.${quoteIdentifier(versionColumn)}`;
  const partition = `partition by ${key.map((column) => `t.${quoteIdentifier(column)}`).join(', ')} order by ${version}`;
  const own = columns.filter((column) => column !== validFromColumn && column !== validToColumn);
  const before = compared.map((column) => `lag(${column}) over versions`);
  const isOther = `(${compared.join(', ')}) is distinct from (${before.join(', ')})`;
  const last = hasMarks
    ? `last_value(${mark}) over (versions rows between unbounded preceding and unbounded following)`
    : 'null::int8';
  const end = `lead(v.${from}) over (partition by ${key.map((column) => `v.${quoteIdentifier(column)}`).join(', ')} order by v.nth)`;
  const deleted = `greatest(v.${from}, to_timestamp(v.deleted_by / 1e9))`;
  const until = `coalesce(${end}, case when v.deleted_by is not null then ${deleted} end) as ${to}`;
  const shown = columns.map((column) => (column === validToColumn ? until : `v.${quoteIdentifier(column)}`));
  return `select ${shown.join(', ')}
  from (select ${own.map((column) => `t.${quoteIdentifier(column)}`).join(', ')},
               max(t.${from}) over versions as ${from},
               row_number() over versions as nth,
               ${last} as deleted_by,
               ${isOther} as is_other
          from ${quoteQualified(schema, table)} t
        window versions as (${partition})) v
 where v.is_other`;
}

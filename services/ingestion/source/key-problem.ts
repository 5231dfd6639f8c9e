import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import type { FedKey, SourceTable } from '../../../shared/star-schema/assemble.ts';
import type { Relation } from './relations.ts';

/**
 * Why several rows of an extract might share a key, as a clause that says what to run; undefined where the source rules
 * it out.
 *
 * A warehouse table keeps one row of each key, and which one is decided by the rows' versions alone. Rows that share a
 * key in the source may lie in different objects, and no load sees both: only the source can guarantee its keys.
 *
 * @param relations every relation that the table's extract reads, by name
 */
export function findKeyProblem(
  table: SourceTable,
  schema: string,
  relations: ReadonlyMap<string, Relation>,
): string | undefined {
  const own = table.fedKeys.map(
    (key) =>
      findDerivationProblem(table, key) ??
      findUniqueProblem(schema, relations.get(table.name), {
        columns: [key.from.field],
        mayBeNull: false,
        need: `${key.from.field} is the key of ${key.table}`,
      }),
  );
  const joined = table.joins.map((join) =>
    findUniqueProblem(schema, relations.get(join.table), {
      columns: Object.values(join.on),
      // A null joins no row.
      mayBeNull: true,
      need: `rows of ${table.name}, which are joined to it, would come twice`,
    }),
  );
  return [...own, ...joined].find((problem) => problem !== undefined);
}

function findDerivationProblem({ name, columns }: SourceTable, { table, column, from }: FedKey) {
  // A date has only one textual form, so two texts never become the same date.
  const isOneToOne = from.kind === 'field' || from.kind === 'date';
  if (isOneToOne && columns.some((own) => own.name === from.field)) return undefined;
  const what = isOneToOne ? from.field : `the ${from.kind} ${from.field}`;
  return `${table}.${column} is made of ${what}, which several rows of ${name} may share: make the key of a column of ${name} that is unique`;
}

interface WantedKey {
  columns: readonly string[];
  mayBeNull: boolean;
  need: string;
}

function findUniqueProblem(
  schema: string,
  relation: Relation | undefined,
  { columns, mayBeNull, need }: WantedKey,
): string | undefined {
  if (relation === undefined) return undefined;
  const name = `${schema}.${relation.name}`;
  const list = columns.join(', ');
  const inheritor =
    relation.kind === 'p' ? undefined : relation.members.find(({ oid }) => oid !== relation.oid);
  if (inheritor !== undefined) {
    return `${inheritor.name} inherits from ${name}, and no unique index covers the rows of both; ${need}. Make ${name} a partitioned table with a unique index on ${list}`;
  }
  const unique = relation.uniqueKeys.filter((key) => key.every((column) => columns.includes(column)));
  const nullable = (key: readonly string[]) =>
    mayBeNull ? [] : relation.columns.filter((column) => key.includes(column.name) && !column.isNotNull);
  if (unique.some((key) => nullable(key).length === 0)) return undefined;
  const nulls = nullable(unique[0] ?? columns).map((column) => column.name);
  const quoted = quoteQualified(schema, relation.name);
  const wants = [
    ...nulls.map((column) => ({
      lacks: `${column} without nulls`,
      statement: `alter table ${quoted} alter column ${quoteIdentifier(column)} set not null`,
    })),
    ...(unique.length > 0 ? [] : [uniqueIndex(quoted, columns)]),
  ];
  const lacks = wants.map((want) => want.lacks).join(' and ');
  return `${name} must have ${lacks}, for ${need}. Run in the source: ${wants.map(({ statement }) => statement).join('; ')}`;
}

const uniqueIndex = (table: string, columns: readonly string[]) => ({
  lacks: `a valid unique index on ${columns.join(', ')} over all its rows`,
  statement: `create unique index on ${table} (${columns.map(quoteIdentifier).join(', ')})`,
});

import type { SourceField } from '../../shared/star-schema/assemble.ts';
import { describeFittingTypes, isTypeFitting } from './column-type.ts';
import type { Relation } from './sql/select-relations.ts';

const notTables: Record<string, string> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
};

/**
 * Why the rows of a relation cannot be read exactly, in one sentence; undefined when they can.
 *
 * @param name for the sentence, `schema.table`
 * @param fields that the model takes from it
 * @param keys that it is joined by
 */
export function findProblem(
  name: string,
  relation: Relation | undefined,
  fields: readonly SourceField[],
  keys: readonly string[],
): string | undefined {
  if (relation === undefined) return `the source has no table ${name}`;
  const other = [relation, ...relation.members].find(({ kind }) => kind in notTables);
  if (other !== undefined) {
    const which = other.oid === relation.oid ? name : `${other.name}, a part of ${name},`;
    return `${which} is ${notTables[other.kind]}: only a table knows which of its rows are new`;
  }
  if (!relation.mayBeRead) return `permission denied for table ${name}`;
  if (relation.hidesRows) return `row-level security hides rows of ${name} from this user`;
  return findColumnProblem(name, relation, fields, keys);
}

function findColumnProblem(
  name: string,
  { columns }: Relation,
  fields: readonly SourceField[],
  keys: readonly string[],
): string | undefined {
  const present = new Map(columns.map((column) => [column.name, column]));
  const missing = [...fields.map((field) => field.name), ...keys].find((column) => !present.has(column));
  if (missing !== undefined) return `${name} has no column ${missing}`;
  for (const field of fields) {
    const column = present.get(field.name);
    if (column !== undefined && !isTypeFitting(field.type, column.typeOid)) {
      const found = `${name}.${field.name} is of type ${column.typeName}, which does not fit the model's ${field.type}`;
      return `${found}: ${describeFittingTypes(field.type, column.typeOid)}`;
    }
  }
  return undefined;
}

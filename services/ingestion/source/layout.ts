import { TerminalError } from '../../../shared/errors.ts';
import type { Layout, LayoutRelation } from '../../../shared/records/plan/layout.ts';
import type { Mask } from './mask.ts';
import type { Relation } from './relations.ts';
import type { UsableTable } from './tables.ts';

/**
 * @param database see `SourceIdentity.database`
 * @param mask of the masked fields
 */
export function layoutOf(
  { table, relations }: UsableTable,
  database: string,
  mask?: Pick<Mask, 'id'>,
): Layout {
  const findRelation = (name: string): Relation => {
    const relation = relations.get(name);
    if (relation === undefined) throw new TerminalError(`${name} was not looked up`, { table: table.name });
    return relation;
  };
  const own: LayoutRelation = { tables: [table.name], oids: [findRelation(table.name).oid], matches: [] };
  const byPath = new Map<string | undefined, LayoutRelation>([[undefined, own]]);
  for (const { path, from, name, match } of table.joins) {
    // A join stands behind the one that it goes on from.
    const nearer = byPath.get(from) ?? own;
    const nearerTable = findRelation(nearer.tables.at(-1) ?? table.name);
    const relation = findRelation(name);
    const columns = Object.entries(match).map(([near, far]): [number, number] => [
      numberOf(nearerTable, near),
      numberOf(relation, far),
    ]);
    byPath.set(path, {
      path,
      tables: [...nearer.tables, name],
      oids: [...nearer.oids, relation.oid],
      // The same join, whatever order the model names its columns in.
      matches: [...nearer.matches, columns.toSorted(([one], [other]) => one - other)],
    });
  }
  return {
    database,
    relations: [...byPath.values()],
    fields: table.fields.map(({ name, path, table: joined, column, type }) => ({
      name,
      ...(path !== undefined && { path }),
      column: numberOf(findRelation(joined), column),
      ...(type === 'masked' && mask !== undefined && { mask: mask.id }),
    })),
  };
}

function numberOf({ name, columns }: Relation, column: string): number {
  const found = columns.find((each) => each.name === column);
  if (found === undefined) throw new TerminalError(`${name} has no column ${column}`, { table: name });
  return found.number;
}

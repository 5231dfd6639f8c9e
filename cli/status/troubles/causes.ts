/** Tables that suffer from one and the same cause. */
export interface Cause<T> {
  tables: string[];
  items: T[];
}

/**
 * Groups what has one cause: the same words, but for the names of the tables and keys in them. A revoked grant fails every
 * table's loads, and is one thing to mend.
 *
 * @param describe the table, null where it is not known, and the words
 * @param names all tables of the model, of the source and of the warehouse
 */
export function groupByCause<T>(
  items: readonly T[],
  describe: (item: T) => { table: string | null; words: string },
  names: readonly string[],
): Cause<T>[] {
  const anyName = new RegExp(`\\b(?:${names.map(escapePattern).join('|')})\\b`, 'g');
  const causes = new Map<string, Cause<T>>();
  for (const item of items) {
    const { table, words } = describe(item);
    const id = words.replaceAll(anyName, '·').replaceAll(/\d{8}T\d{9}Z[0-9a-f]{4}\S*/g, '·');
    const cause = causes.get(id) ?? { tables: [], items: [] };
    cause.items.push(item);
    if (table !== null && !cause.tables.includes(table)) cause.tables.push(table);
    causes.set(id, cause);
  }
  return [...causes.values()];
}

const escapePattern = (name: string): string => name.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

const shownNames = 3;

/** @example 'dim_design, dim_staff, fact_payment and 8 more' */
export function listNames(names: readonly string[]): string {
  const more = names.length - shownNames - 1;
  if (more > 0) return `${names.slice(0, shownNames).join(', ')} and ${more + 1} more`;
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

import type { Finding } from '../../configuration/yaml-file.ts';
import { type CatalogueTable, lockTable } from '../catalogue/read-catalogue.ts';
import { tableNameOf } from '../compile/source-tables.ts';
import { type LockedColumn, type LockedTable, lockFileName } from '../files/lock-file.ts';
import type { Project } from '../files/read-project.ts';

const takeOver = 'starlift check --update takes it over';

/**
 * Compares what a project reads with what the source has.
 *
 * @param reads the names of the source tables that the model reads
 */
export function compareWithSource(
  { lock }: Project,
  reads: ReadonlySet<string>,
  catalogue: readonly CatalogueTable[],
  schemas: readonly string[],
): Finding[] {
  const [defaultSchema = 'public'] = schemas;
  const present = new Map(
    catalogue.map((table) => [tableNameOf(table.schema, table.table, defaultSchema), table]),
  );
  const messages = [...reads].flatMap((name) => {
    const locked = Object.hasOwn(lock.tables, name) ? lock.tables[name] : undefined;
    const table = present.get(name);
    if (table === undefined) return [`the source has no table ${name}`];
    return [
      ...describeAccess(name, table),
      ...(locked === undefined ? [] : compareTables(name, locked, lockTable(table, schemas))),
    ];
  });
  return messages.map((message) => ({ file: lockFileName, message }));
}

const notTables: Partial<Record<CatalogueTable['kind'], string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
};

/** Why the rows of a table could not be read. */
function describeAccess(name: string, table: CatalogueTable): string[] {
  const what = notTables[table.kind];
  if (what !== undefined) return [`${name} is ${what}: only a table knows which of its rows are new`];
  if (table.isPartition) return [`${name} is a partition: name the table that it is a part of`];
  if (table.hasHeirs) return [`other tables inherit from ${name}: no index is unique over the rows of all`];
  if (table.hasForeignPart)
    return [`a foreign table is a part of ${name}: only a table knows which of its rows are new`];
  if (table.hidesRows) return [`row-level security hides rows of ${name} from this user`];
  if (!table.mayUseSchema) return [`this user has no right to the schema ${table.schema}`];
  return table.mayBeRead ? [] : [`this user may not read ${name}: grant select on it to ${table.reader}`];
}

function compareTables(name: string, locked: LockedTable, now: LockedTable): string[] {
  const messages: string[] = [];
  for (const [column, before] of Object.entries(locked.columns)) {
    const after = Object.hasOwn(now.columns, column) ? now.columns[column] : undefined;
    if (after === undefined) messages.push(`${name}.${column} is gone from the source; ${takeOver}`);
    else if (describe(before) !== describe(after)) {
      messages.push(`${name}.${column} was ${describe(before)}, and is ${describe(after)}; ${takeOver}`);
    }
  }
  const added = Object.keys(now.columns).filter((column) => !Object.hasOwn(locked.columns, column));
  if (added.length > 0) {
    const [columns, them] =
      added.length === 1 ? [`the column ${added[0]}`, 'it'] : [`the columns ${added.join(', ')}`, 'them'];
    messages.push(
      `${name} has ${columns}, which the lock does not know; ${takeOver}, and starlift init adds ${them}`,
    );
  }
  const lost = locked.uniqueKeys.filter((key) => !now.uniqueKeys.some((other) => isSame(key, other)));
  for (const key of lost)
    messages.push(`${name} has no unique index on ${key.join(', ')} any more; ${takeOver}`);
  for (const { columns, table } of locked.foreignKeys) {
    const isThere = now.foreignKeys.some((other) => other.table === table && isSame(columns, other.columns));
    if (!isThere) {
      messages.push(`the foreign key from ${name} (${columns.join(', ')}) to ${table} is gone; ${takeOver}`);
    }
  }
  return messages;
}

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  JSON.stringify(a.toSorted()) === JSON.stringify(b.toSorted());

const describe = ({ type, base, kind, nullable, collation }: LockedColumn): string =>
  `${type}${base === undefined ? '' : `, a domain over ${base}`}${kind === 'enum' ? ', an enum' : ''}${collation === undefined ? '' : ` collate ${collation}`}${nullable ? '' : ' not null'}`;

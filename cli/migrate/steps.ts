import type { ModelDefinition, TableDefinition } from '../../shared/model/define.ts';
import { asNamedIn } from '../../shared/model/renames.ts';
import { isWider } from '../../shared/warehouse/wider-type.ts';
import { compareModels, describeFinding, type ModelFinding } from '../project/compare-models.ts';
import { UsageError } from '../terminal/usage-error.ts';

/** A table that is filled anew from S3. */
export interface AnewTable {
  table: string;
  /** Why, in clauses. */
  reasons: string[];
}

/**
 * Finds the tables that cannot become what the next model wants while they keep their rows.
 *
 * @returns in the order of the next model
 * @throws {UsageError} a change that nothing can make
 */
export function findTablesAnew(inForce: ModelDefinition, next: ModelDefinition): AnewTable[] {
  const reasons = new Map<string, string[]>();
  const add = (table: string, reason: string) => reasons.set(table, [...(reasons.get(table) ?? []), reason]);
  for (const finding of compareModels(inForce, next)) {
    if (isInPlace(finding)) continue;
    assertPossible(finding, inForce, next);
    add(finding.table, describeFinding(finding));
  }
  const known = new Map(fedTables(asNamedIn(inForce, next)).map((table) => [table.name, table]));
  const moved = fedTables(next).filter(({ name }) => {
    const [before, after] = [known.get(name), fedTables(next).find((table) => table.name === name)];
    if (before === undefined || after === undefined) return false;
    // A wider type alone changes in place, in both tables.
    return describeKey(before, !reasons.has(name)) !== describeKey(after, !reasons.has(name));
  });
  for (const table of fedTables(next)) {
    const named = moved.find(({ name }) => referencesOf(table).includes(name));
    if (named !== undefined && known.has(table.name))
      add(table.name, `it references ${named.name}, which gets another key`);
  }
  return next.tables.flatMap((table) => {
    const found = 'name' in table ? reasons.get(table.name) : undefined;
    return found === undefined || !('name' in table) ? [] : [{ table: table.name, reasons: found }];
  });
}

export type FedDefinition = Extract<TableDefinition, { kind: 'fact' | 'dimension' | 'table' }>;

export const fedTables = ({ tables }: ModelDefinition): FedDefinition[] =>
  tables.filter((table) => table.kind !== 'calendar' && table.kind !== 'ingested only');

const referencesOf = ({ columns }: FedDefinition): string[] =>
  Object.values(columns).flatMap(({ references }) => references ?? []);

/** What the key is made of, too: rows that refer to it hold the same. */
const describeKey = ({ key, columns }: FedDefinition, isTypeLeftOut: boolean): string =>
  JSON.stringify(key.map((name) => [name, columns[name]?.from, isTypeLeftOut ? null : columns[name]?.type]));

/** The table keeps its rows. */
export const isInPlace = ({ what, inForce, next }: ModelFinding): boolean =>
  what === 'name' || (what === 'type' && isWider(inForce, next));

function assertPossible(finding: ModelFinding, inForce: ModelDefinition, next: ModelDefinition): void {
  const { table, what } = finding;
  if (what === 'mask') {
    throw new UsageError(
      `${describeFinding(finding)}: S3 has what was captured before, so no table can be filled anew from it. Give the new table another name`,
    );
  }
  const isCalendar = [inForce, next].some(({ tables }) =>
    tables.some((each) => each.kind === 'calendar' && each.name === table),
  );
  if (!isCalendar) return;
  throw new UsageError(
    `${table} is a calendar in one of the models and not the same in the other: give the new table another name`,
  );
}

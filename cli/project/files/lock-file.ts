import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as z from 'zod';
import { UsageError } from '../../terminal/usage-error.ts';

/** Readers of JSON and YAML drop a key of this name, or take it for something else. */
export const isReservedName = (name: string): boolean => name === '__proto__';

export const lockFileName = 'starlift.lock.json';

const columnNames = z.array(z.string());

const lockedColumn = z.strictObject({
  /** As Postgres writes it, with the schema of any type that is not its own: `numeric(10,2)`, `public.mood`. */
  type: z.string(),
  nullable: z.boolean(),
  /** Of a domain: the type below it. */
  base: z.string().optional(),
  /** Of a type, or of a domain's base, that is not Postgres' own. */
  kind: z.enum(['enum', 'other']).optional(),
  /** As SQL writes it; absent for the database's own. */
  collation: z.string().optional(),
  /** By that collation texts that differ may be equal. */
  deterministic: z.literal(false).optional(),
});

const foreignKey = z.strictObject({
  columns: columnNames,
  table: z.string(),
  /** The columns of the other table. */
  to: columnNames,
  /** False where rows that break it may be there. */
  valid: z.literal(false).optional(),
});

const lockedTable = z.strictObject({
  columns: z.record(z.string(), lockedColumn),
  primaryKey: columnNames.optional(),
  /** Unique indexes over all rows: the primary key's too. A null in one of their columns is unlike any other. */
  uniqueKeys: z.array(columnNames),
  foreignKeys: z.array(foreignKey),
});

const grammar = z.strictObject({
  version: z.literal(1),
  tables: z.record(z.string(), lockedTable),
  /** Every table that `starlift init` has offered: those among them that have no file were not wanted. */
  offered: z.array(z.string()),
});

/** The tables of the source that a project reads, as the source had them. */
export type Lock = z.infer<typeof grammar>;
export type LockedTable = z.infer<typeof lockedTable>;
export type LockedColumn = z.infer<typeof lockedColumn>;
export type ForeignKey = z.infer<typeof foreignKey>;

export const emptyLock = (): Lock => ({ version: 1, tables: {}, offered: [] });

/**
 * @returns undefined where the project has none
 * @throws {UsageError} the file is damaged
 */
export function readLock(folder: string): Lock | undefined {
  const path = join(folder, lockFileName);
  if (!existsSync(path)) return undefined;
  let contents: unknown;
  try {
    contents = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${lockFileName} is not JSON: starlift check --update writes it anew`, {
      cause: error,
    });
  }
  const parsed = grammar.safeParse(contents);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const place = issue?.path.map(String).join('.') || 'its contents';
  throw new UsageError(
    `${lockFileName}: ${place} cannot be read (${issue?.message}): starlift check --update writes it anew`,
  );
}

export function writeLock(folder: string, lock: Lock): void {
  writeFileSync(join(folder, lockFileName), formatLock(lock));
}

/** A column, a key or a foreign key a line, and tables by their names, so that a diff shows what has changed. */
export function formatLock({ version, tables, offered }: Lock): string {
  const entries = Object.entries(tables).toSorted(([a], [b]) => compare(a, b));
  const lines = [
    '{',
    `  "version": ${version},`,
    `  "offered": ${JSON.stringify(offered.toSorted(compare))},`,
    '  "tables": {',
    entries.map(([name, table]) => formatTable(name, table)).join(',\n'),
    '  }',
    '}',
    '',
  ];
  return lines.filter((line, index) => line !== '' || index === lines.length - 1).join('\n');
}

function formatTable(name: string, { columns, primaryKey, uniqueKeys, foreignKeys }: LockedTable): string {
  const parts = [
    `      "columns": {\n${Object.entries(columns)
      .map(([column, locked]) => `        ${JSON.stringify(column)}: ${JSON.stringify(locked)}`)
      .join(',\n')}\n      }`,
    ...(primaryKey === undefined ? [] : [`      "primaryKey": ${JSON.stringify(primaryKey)}`]),
    `      "uniqueKeys": ${formatList(uniqueKeys)}`,
    `      "foreignKeys": ${formatList(foreignKeys)}`,
  ];
  return `    ${JSON.stringify(name)}: {\n${parts.join(',\n')}\n    }`;
}

const formatList = (items: readonly unknown[]): string =>
  items.length === 0
    ? '[]'
    : `[\n${items.map((item) => `        ${JSON.stringify(item)}`).join(',\n')}\n      ]`;

/** By code units, so that no locale changes the file. */
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

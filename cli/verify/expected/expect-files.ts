import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Model } from '../../../shared/model/model.ts';
import { splitStatements } from '../../sql/split-statements.ts';
import { UsageError } from '../../terminal/usage-error.ts';

/** A query of the user's own for what a warehouse table must hold. */
export interface Expectation {
  /** As messages name it. */
  file: string;
  /** One select. */
  sql: string;
}

/** By warehouse table; the other tables are compared with what follows from the model. */
export type Expectations = ReadonlyMap<string, Expectation>;

/**
 * @param files their texts, by warehouse table
 * @throws {UsageError} a file is not one statement, or is of no table of the model
 */
export function parseExpectations(files: Readonly<Record<string, string>>, model: Model): Expectations {
  return new Map(
    Object.entries(files).map(([table, text]) => {
      const file = `expect/${table}.sql`;
      if (!model.tables.some(({ name }) => name === table))
        throw new UsageError(`${file} is of no table of the model: name it as the table that it is for`);
      return [table, { file, sql: readStatement(file, text) }];
    }),
  );
}

/**
 * The texts of a project's expect/*.sql, by warehouse table.
 *
 * @param project its folder
 */
export function readExpectFiles(project: string): Record<string, string> {
  const folder = join(project, 'expect');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.sql')) : [];
  return Object.fromEntries(
    names.sort().map((name) => [basename(name, '.sql'), readFileSync(join(folder, name), 'utf8')]),
  );
}

function readStatement(file: string, text: string): string {
  const { statements, rest } = splitStatements(text);
  const [statement, ...others] = [...statements, rest].filter((piece) => !isComment(piece));
  if (statement === undefined || others.length > 0)
    throw new UsageError(
      `${file} has ${others.length === 0 ? 'no statement' : 'several statements'}: it must be one select`,
    );
  return statement;
}

const isComment = (sql: string): boolean => sql.replace(/--[^\n]*|\/\*.*?\*\//gs, '').trim() === '';

import { TerminalError } from '../errors.ts';
import type { StarSchema } from '../star-schema/assemble.ts';
import { parkedName } from './ledger-schema.ts';
import { keysOf, type Relation } from './relation.ts';
import { warehouseRelations } from './warehouse-schema.ts';

/** Postgres cuts a longer name, and a search for the whole name finds nothing. */
const maxNameBytes = 63;

/**
 * Asserts that Postgres keeps every name that the pipeline derives from a warehouse table's name. Sequences do not count:
 * Postgres names them, shortens the name so that it is unique, and finds them by their column.
 *
 * @throws {TerminalError} a name is too long; the message names the table, the name and its length
 */
export function assertNameLengths(model: StarSchema): void {
  const relations = warehouseRelations(model, 'public');
  for (const { name: table, kind } of model.tables) {
    const made = relations.filter(({ name }) => name === table);
    const names = [
      ...made.flatMap(({ name, columns }) => [name, ...columns.map((column) => column.name)]),
      ...(kind === 'fact' ? [parkedName(table), ...made.flatMap(keyNames)] : []),
    ];
    for (const name of names) assertLength(table, name);
  }
}

/** The greatest that an oid can be. */
const longestOid = String(2 ** 32 - 1);

/** Of a fact: its keys are built by name when its initial load ends. */
const keyNames = (relation: Relation): string[] =>
  keysOf(relation, longestOid).flatMap(({ name, index }) => [name, index]);

function assertLength(table: string, name: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes <= maxNameBytes) return;
  const subject = name === table ? `the name ${name}` : `${table} needs the name ${name}, which`;
  const excess = bytes - maxNameBytes;
  throw new TerminalError(
    `${subject} has ${bytes} bytes, and Postgres keeps ${maxNameBytes}: ` +
      `use a name that is ${excess} ${excess === 1 ? 'byte' : 'bytes'} shorter`,
    { table },
  );
}

import type { Dimension, Fact, Model } from '../../shared/model/model.ts';
import { parseTable } from '../options/named-tables.ts';
import { UsageError } from '../terminal/usage-error.ts';

/** The key of one row of a warehouse table. */
export interface TracedKey {
  table: Dimension | Fact;
  /** In the order of the table's key. */
  values: readonly KeyValue[];
}

export interface KeyValue {
  /** Of the warehouse table. */
  column: string;
  text: string;
}

/**
 * Reads which row is asked for.
 *
 * @param name a warehouse table, or a source table that one is made from
 * @param key one text for a key of one column; of several they are separated by commas
 * @param where in place of it, `a = 1 and b = 'x, y'`: each column of the key once
 * @throws {UsageError} there is no such table, or what is given is not its key
 */
export function parseTracedKey(
  { name, key, where }: { name: string | undefined; key: string | undefined; where: string | undefined },
  model: Model,
): TracedKey {
  if (name === undefined) throw new UsageError('name a table and a key: starlift trace TABLE KEY');
  const table = findTable(name, model);
  if (key !== undefined && where !== undefined) throw new UsageError('pass the key or --where, not both');
  if (where !== undefined) return { table, values: parseWhere(where, table) };
  if (key === undefined)
    throw new UsageError(`name the key too: starlift trace ${name} ${formatKeyOf(table)}`);
  const texts = table.key.length === 1 ? [key] : key.split(',').map((text) => text.trim());
  if (texts.length !== table.key.length) {
    throw new UsageError(
      `the key of ${table.name} is ${formatKeyOf(table)}, and ${key} has ${texts.length === 1 ? '1 value' : `${texts.length} values`}. ` +
        `Where a value has a comma, use --where "${table.key.map((column) => `${column} = '…'`).join(' and ')}"`,
    );
  }
  return { table, values: table.key.map((column, index) => ({ column, text: texts[index] ?? '' })) };
}

const formatKeyOf = ({ key }: Dimension | Fact): string => key.join(',');

function findTable(name: string, model: Model): Dimension | Fact {
  // Where both have one name, as in a mirror, it is the warehouse's.
  const own = model.tables.find((table) => table.name === name);
  const names = own === undefined ? parseTable(name, model).tables : [name];
  const [first, ...others] = names.map((each) => model.table(each));
  if (first === undefined)
    throw new UsageError(`${name} is ingested only: no warehouse table is made from it`);
  if (others.length > 0) {
    throw new UsageError(`${name} is the source of ${names.join(' and ')}: name one of them`);
  }
  if (first.kind === 'calendar')
    throw new UsageError(
      `${name} is the calendar: its rows are made of dates, and come from no row of the source`,
    );
  return first;
}

function parseWhere(where: string, table: Dimension | Fact): KeyValue[] {
  const given = new Map<string, string>();
  const fail = (reason: string): never => {
    const example = table.key.map((column) => `${column} = 1`).join(' and ');
    throw new UsageError(`--where "${where}" ${reason} (expected ${example})`);
  };
  let rest = where.trim();
  for (;;) {
    const [whole, column = '', quoted, bare] = condition.exec(rest) ?? fail('is not the key of a row');
    if (!table.key.includes(column))
      fail(`names ${column}, which is not a column of the key of ${table.name}`);
    if (given.has(column)) fail(`names ${column} twice`);
    given.set(column, quoted?.replaceAll("''", "'") ?? bare ?? '');
    rest = rest.slice(whole?.length ?? 0);
    if (rest === '') break;
    const [and] = /^\s+and\s+/i.exec(rest) ?? fail('is not the key of a row');
    rest = rest.slice(and?.length ?? 0);
  }
  const lacking = table.key.find((column) => !given.has(column));
  if (lacking !== undefined) fail(`lacks ${lacking}, a column of the key of ${table.name}`);
  return table.key.map((column) => ({ column, text: given.get(column) ?? '' }));
}

const condition = /^([\p{L}_][\p{L}\p{N}_$]*)\s*=\s*(?:'((?:[^']|'')*)'|([^\s']+))/u;

import { formatResult, printResult, type SqlConsole } from './print-result.ts';

// As in psql: r an ordinary table, p a partitioned one, v a view, m a materialized one, f a foreign one, S a sequence.
const kindName = `case relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view'
  when 'm' then 'materialized view' when 'f' then 'foreign table' when 'S' then 'sequence' end`;

const relations = `pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'`;

/** Lists what is in all schemas but Postgres' own, whatever the search path is. */
export async function listRelations(
  { session, terminal, expanded }: SqlConsole,
  kinds: readonly string[],
  pattern: string | undefined,
): Promise<undefined> {
  const { schema, name } = toExpressions(pattern ?? '*');
  const listed = await session.run(
    `select n.nspname as "Schema", relname as "Name", ${kindName} as "Type",
            pg_catalog.pg_get_userbyid(relowner) as "Owner"
       from ${relations} and relkind = any (string_to_array($1, ',')) and nspname ~ $2 and relname ~ $3
      order by 1, 2`,
    [kinds.join(','), schema, name],
  );
  if (listed.rows.length === 0 && !terminal.json) {
    throw new Error(pattern === undefined ? 'there is no table' : `there is no table ${pattern}`);
  }
  printResult(listed, expanded, terminal);
}

/** Describes each relation of the name: its columns, indexes and foreign keys. */
export async function describeRelations(console: SqlConsole, pattern: string): Promise<undefined> {
  const { session } = console;
  const { schema, name } = toExpressions(pattern);
  const found = await session.run(
    `select c.oid, n.nspname, relname, ${kindName}
       from ${relations} and relkind in ('r', 'p', 'v', 'm', 'f', 'S') and nspname ~ $1 and relname ~ $2
      order by 2, 3`,
    [schema, name],
  );
  if (found.rows.length === 0) throw new Error(`there is no table ${pattern}`);
  for (const [oid, ...names] of found.rows) await describeRelation(console, oid ?? '', names);
}

async function describeRelation(
  { session, terminal, expanded }: SqlConsole,
  oid: string,
  [schema, name, kind]: readonly (string | null)[],
): Promise<void> {
  const columns = await session.run(
    `select attname as "Column", pg_catalog.format_type(atttypid, atttypmod) as "Type",
            case when attnotnull then 'not null' else '' end as "Nullable",
            coalesce(pg_catalog.pg_get_expr(adbin, adrelid), '') as "Default"
       from pg_catalog.pg_attribute
       left join pg_catalog.pg_attrdef on adrelid = attrelid and adnum = attnum
      where attrelid = $1::oid and attnum > 0 and not attisdropped order by attnum`,
    [oid],
  );
  if (terminal.json) {
    printResult(columns, expanded, terminal);
    return;
  }
  const lines = formatResult(columns, expanded, terminal.columns);
  terminal.result(`${(kind ?? '').replace(/^./, (letter) => letter.toUpperCase())} "${schema}.${name}"`);
  // Their number is plain to see.
  for (const line of lines.filter((each) => !/^\(\d+ rows?\)$/.test(each))) terminal.result(line);
  const indexes = await session.run(
    `select pg_catalog.quote_ident(relname),
            case when indisprimary then 'primary key, ' when indisunique then 'unique, ' else '' end,
            substring(pg_catalog.pg_get_indexdef(indexrelid) from 'USING (.*)$')
       from pg_catalog.pg_index join pg_catalog.pg_class on oid = indexrelid
      where indrelid = $1::oid order by not indisprimary, 1`,
    [oid],
  );
  if (indexes.rows.length > 0) terminal.result('Indexes:');
  for (const [index, what, how] of indexes.rows) terminal.result(`    ${index} ${what}${how}`);
  const keys = await session.run(
    `select pg_catalog.quote_ident(conname), pg_catalog.pg_get_constraintdef(oid)
       from pg_catalog.pg_constraint where conrelid = $1::oid and contype = 'f' order by 1`,
    [oid],
  );
  if (keys.rows.length > 0) terminal.result('Foreign keys:');
  for (const [key, definition] of keys.rows) terminal.result(`    ${key} ${definition}`);
  terminal.result('');
}

/** psql's patterns: names are folded to lower case unless they are quoted, `*` and `?` are wildcards. */
function toExpressions(pattern: string): { schema: string; name: string } {
  const parts = [''];
  let isQuoted = false;
  for (const character of pattern) {
    const last = parts.length - 1;
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '.' && !isQuoted) parts.push('');
    else parts[last] += isQuoted ? escapeForRegex(character) : expressionOf(character);
  }
  const name = parts.at(-1) ?? '';
  const schema = parts.length > 1 ? parts.slice(0, -1).join('[.]') : '.*';
  return { schema: `^(?:${schema})$`, name: `^(?:${name})$` };
}

function expressionOf(character: string): string {
  if (character === '*') return '.*';
  if (character === '?') return '.';
  return escapeForRegex(character.toLowerCase());
}

const escapeForRegex = (character: string): string =>
  /[\p{L}\p{N}_]/u.test(character) ? character : `[${character.replace(/[\\\]^]/, '\\$&')}]`;

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import {
  extractSessionSettings,
  jsonKindOf,
  type TranscodeColumn,
} from '../../../services/ingestion/transcode/columns.ts';
import { makeTranscoder } from '../../../services/ingestion/transcode/transcoder.ts';
import type { SourceType } from '../../../shared/model/define.ts';
import { copyOut } from '../../../shared/postgres/copy-out.ts';
import { isLong } from '../../helpers/jest/long-form.ts';
import {
  type PostgresServer,
  startInstalledPostgres,
  startTemporaryPostgres,
} from '../../helpers/postgres/temporary-postgres.ts';
import { type AnyTable, anyTable, hostileTexts, moods } from './any-table.ts';

/** By type of Postgres: what a model declares it as. */
const declared: Record<string, SourceType> = {
  int2: 'int2',
  int4: 'int4',
  int8: 'int8',
  oid: 'oid',
  float4: 'float4',
  float8: 'float8',
  numeric: 'numeric',
  bool: 'bool',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
  json: 'json',
  jsonb: 'jsonb',
  bytea: 'bytea',
  uuid: 'uuid',
  date: 'date',
  time: 'time',
  text: 'varchar',
  varchar: 'varchar',
  bpchar: 'varchar',
  mood: 'varchar',
};

async function typesOf(client: pg.Client, table: string): Promise<{ name: string; type: string }[]> {
  const { rows } = await client.query<{ name: string; type: string }>(
    `select a.attname as name, t.typname as type
       from pg_attribute a join pg_type t on t.oid = a.atttypid
      where a.attrelid = $1::regclass and a.attnum > 0 order by a.attnum`,
    [table],
  );
  return rows;
}

const columnsOf = async (client: pg.Client, table: string): Promise<TranscodeColumn[]> =>
  (await typesOf(client, table)).map(({ name, type }) => ({
    name,
    kind: jsonKindOf(declared[type] ?? 'other'),
  }));

/** What row_to_json would not render in the form of the ingested zone is cast by Postgres itself. */
const casts: Record<string, string> = { json: '::text', jsonb: '::text', oid: '::int8' };
const castOf = (type: string): string => casts[type] ?? (type.startsWith('_') ? '::text' : '');

async function transcoded(client: pg.Client, table: string, chunkBytes: number): Promise<string> {
  const transcoder = makeTranscoder(await columnsOf(client, table));
  const lines: Buffer[] = [];
  const { rows } = await copyOut(client, `copy ${table} to stdout`, (chunk) => {
    for (let start = 0; start < chunk.length; start += chunkBytes) {
      transcoder.push(chunk.subarray(start, start + chunkBytes));
      if (start % 3 === 0) lines.push(Buffer.from(transcoder.take()));
    }
  });
  expect(transcoder.end()).toEqual({ rows });
  lines.push(Buffer.from(transcoder.take()));
  return Buffer.concat(lines).toString();
}

async function asPostgres(client: pg.Client, table: string): Promise<string> {
  const columns = (await typesOf(client, table)).map(({ name, type }) => {
    const column = client.escapeIdentifier(name);
    return `${column}${castOf(type)} as ${column}`;
  });
  const { rows } = await client.query<{ line: string }>(
    `select row_to_json(whole_row)::text as line from (select ${columns.join(', ')} from ${table}) as whole_row`,
  );
  return rows.map(({ line }) => `${line}\n`).join('');
}

async function fill(client: pg.Client, { types, names, rows }: AnyTable): Promise<void> {
  const columns = names.map((name, i) => `${client.escapeIdentifier(name)} ${types[i]}`);
  await client.query(`create temporary table target (${columns.join(', ')})`);
  const places = rows.map((_, row) => types.map((type, i) => `$${row * types.length + i + 1}::${type}`));
  if (rows.length === 0) return;
  await client.query(
    `insert into target values ${places.map((each) => `(${each})`).join(', ')}`,
    rows.flat(),
  );
}

describe.each([
  ['the npm binaries', startTemporaryPostgres],
  ['the installed Postgres', startInstalledPostgres],
])('a transcoded COPY of %s', (name, start) => {
  let server: PostgresServer | undefined;
  let client: pg.Client;

  beforeAll(async () => {
    server = await start({});
    if (server === undefined) return console.warn(`NOT TESTED: this machine lacks ${name}`);
    client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    for (const [setting, value] of Object.entries(extractSessionSettings)) {
      await client.query('select set_config($1, $2, false)', [setting, value]);
    }
    const labels = moods.map((mood) => client.escapeLiteral(mood));
    await client.query(`create type mood as enum (${labels.join(', ')})`);
  });
  afterAll(async () => {
    await client?.end();
    await server?.stop();
  });

  it('is row_to_json byte for byte, for any columns and values; json, and what a model calls other, is text', async () => {
    if (server === undefined) return;
    await fc.assert(
      fc.asyncProperty(anyTable, async (table) => {
        try {
          await fill(client, table);
          expect(await transcoded(client, 'target', table.chunkBytes)).toBe(
            await asPostgres(client, 'target'),
          );
        } finally {
          await client.query('drop table if exists target');
        }
      }),
      { numRuns: isLong ? 500 : 80 },
    );
  }, 300_000);

  it('is row_to_json byte for byte for every character that Postgres takes', async () => {
    if (server === undefined) return;
    await client.query(`create temporary table characters as
      select i, chr(i), 'a' || chr(i) || 'b' as between from generate_series(1, 1114111) i
       where i not between 55296 and 57343 and (i < 70000 or i % 97 = 0)`);
    await client.query('insert into characters select -1, unnest($1::text[]), null', [hostileTexts]);
    const lines = await transcoded(client, 'characters', 65_536);
    expect(lines === (await asPostgres(client, 'characters'))).toBe(true);
  });

  it('keeps the text of json, with its newlines and the keys that come twice', async () => {
    if (server === undefined) return;
    const document = '{\n\t"a\\n": [1,\r\n 2.50],\n"b": "\\\\n", "b": 1e400}';
    await client.query('create temporary table documents (d json)');
    await client.query('insert into documents values ($1)', [document]);
    const line = await transcoded(client, 'documents', 7);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(JSON.parse(line)).toEqual({ d: document });
  });
});

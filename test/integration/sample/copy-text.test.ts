import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { encodeRows } from '../../../models/totesys/sample/copy-text.ts';
import { copyIn } from '../../../shared/postgres/copy-in.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

describe('COPY text in a real table', () => {
  let server: PostgresServer;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    await client.query('create table word (id int primary key, word text)');
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  const words = async () =>
    (await client.query('select word from word order by id')).rows.map((row) => row.word);
  const copyWords = (list: Iterable<string | null>) =>
    copyIn(
      client,
      'copy word (id, word) from stdin',
      encodeRows(
        Array.from(list, (word, at) => [at, word] as const),
        (out, [id, word]) => out.int(id).text(word),
      ),
    );

  it('keeps every text as it is, null and the empty one apart', async () => {
    // Postgres takes no NUL, and UTF-8 has no lone surrogates.
    const unit = fc.oneof(
      fc.constantFrom(
        '\\',
        '\t',
        '\n',
        '\r',
        '\b',
        '\f',
        '\v',
        '\\N',
        '\\.',
        "'",
        '"',
        '\u2028',
        '🧵',
        '\u0001',
      ),
      fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
    );
    const text = fc.array(unit, { maxLength: 8 }).map((units) => units.join(''));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(text), { minLength: 1, maxLength: 30 }), async (list) => {
        await client.query('truncate word');
        expect(await copyWords(list)).toEqual({ rows: list.length });
        expect(await words()).toEqual(list);
      }),
      { numRuns: 60 },
    );
  });
});

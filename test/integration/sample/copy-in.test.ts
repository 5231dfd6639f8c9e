import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import { copyIn } from '../../../cli/embedded/sample/copy-in.ts';
import { encodeRows } from '../../../cli/embedded/sample/copy-text.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/temporary-postgres.ts';

// Servers start, and the machine may be busy.
jest.setTimeout(60_000);

describe('COPY into a table', () => {
  let server: PostgresServer;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    await client.query('create table word (id int primary key, word text)');
  });
  beforeEach(() => client.query('truncate word'));
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  const words = async () =>
    (await client.query('select word from word order by id')).rows.map((row) => row.word);
  const copyWords = (list: Iterable<string | null>) =>
    copyIn(
      client,
      'word',
      ['id', 'word'],
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
        expect(await copyWords(list)).toBe(list.length);
        expect(await words()).toEqual(list);
      }),
      { numRuns: 60 },
    );
  });

  it('leaves the connection usable and the table untouched when the server refuses a row', async () => {
    const many = Array.from({ length: 200_000 }, (_, at) => Buffer.from(`${at % 150_000}\tx\n`));
    await expect(copyIn(client, 'word', ['id', 'word'], many)).rejects.toMatchObject({ code: '23505' });
    expect(await words()).toEqual([]);
  });

  it('passes on what the rows themselves throw, and keeps none', async () => {
    function* failing(): Generator<Buffer> {
      yield Buffer.from('1\tone\n');
      throw new Error('the pool is empty');
    }
    await expect(copyIn(client, 'word', ['id', 'word'], failing())).rejects.toThrow('the pool is empty');
    expect(await words()).toEqual([]);
    expect(await copyWords(['after'])).toBe(1);
  });

  it('ends with an error when the server dies in the middle', async () => {
    const mortal = new pg.Client({ connectionString: server.url() });
    const lost = new Promise((resolve) => mortal.on('error', resolve));
    await mortal.connect();
    const { rows } = await mortal.query('select pg_backend_pid() as pid');
    function* endless(): Generator<Buffer> {
      yield Buffer.from('1\tone\n');
      void client.query('select pg_terminate_backend($1)', [rows[0].pid]);
      for (let id = 2; ; id++) yield Buffer.from(`${id}\t${'x'.repeat(60_000)}\n`);
    }
    await expect(copyIn(mortal, 'word', ['id', 'word'], endless())).rejects.toThrow();
    await lost;
    expect(await words()).toEqual([]);
  });
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type pg from 'pg';
import { connect } from '../../../cli/database/connect.ts';
import { parseRecordText } from '../../../cli/verify/record-text.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

describe("the text of a row, as Postgres' row() writes it", () => {
  let server: PostgresServer;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    client = await connect(server.url(), 'source');
  });
  afterAll(async () => {
    await client?.end();
    await server?.stop();
  });

  it('gives back every value, hostile ones too', async () => {
    const piece = fc.constantFrom(
      '"',
      '\\',
      ',',
      '(',
      ')',
      ' ',
      '\t',
      '\n',
      "'",
      'null',
      'a',
      'é',
      '😀',
      '\u2028',
    );
    const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
    const value = fc.option(text, { nil: null });
    await fc.assert(
      fc.asyncProperty(fc.tuple(value, value, value), async (values) => {
        const { rows } = await client.query<{ record: string }>(
          'select row($1::text, $2::text, $3::text)::text as record',
          values,
        );
        expect(parseRecordText(rows[0]?.record ?? '')).toEqual(values);
      }),
      { numRuns: 300 },
    );
  });
});

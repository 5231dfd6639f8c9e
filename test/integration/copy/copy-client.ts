import { afterAll, afterEach, beforeAll, beforeEach, expect } from '@jest/globals';
import pg from 'pg';
import { copyOut } from '../../../shared/postgres/copy-out.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

/** A server for the tests of a file, and a client of its own for each of them. */
export interface CopyClient {
  readonly server: PostgresServer;
  readonly client: pg.Client;
  /** Fails where the connection answers its next statement with anything but its rows. */
  expectUsable(): Promise<void>;
  copyText(sql: string): Promise<string>;
  rowsOf(sql: string): Promise<Record<string, unknown>[]>;
}

/** Registers the hooks; called in a describe. @param setUp SQL that each client begins with */
export function useCopyClient(setUp?: string): CopyClient {
  let server: PostgresServer;
  let client: pg.Client;
  beforeAll(async () => {
    server = await startTemporaryPostgres({});
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    if (setUp !== undefined) await client.query(setUp);
  });
  afterEach(() => client.end());
  return {
    get server() {
      return server;
    },
    get client() {
      return client;
    },
    expectUsable: async () => {
      const { rows } = await client.query('select $1::int + 1 as two', [1]);
      expect(rows).toEqual([{ two: 2 }]);
    },
    copyText: async (sql) => {
      const chunks: Buffer[] = [];
      await copyOut(client, sql, (chunk) => void chunks.push(Buffer.from(chunk)));
      return Buffer.concat(chunks).toString();
    },
    rowsOf: async (sql) => (await client.query(sql)).rows,
  };
}

export const targetTable = 'create temporary table target (id int8, name text)';

/** Lines of COPY text for it: the ids from the first number to before the second. */
export const targetLines = (from: number, to: number): Buffer =>
  Buffer.from(Array.from({ length: to - from }, (_, i) => `${from + i}\tname ${from + i}\n`).join(''));

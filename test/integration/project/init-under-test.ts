import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from '@jest/globals';
import pg from 'pg';
import { loadProject } from '../../../cli/project/compile/compile.ts';
import { type InitOutcome, initProject } from '../../../cli/project/init/init.ts';
import { assembleModel, type Model } from '../../../shared/model/model.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';

/** A source of the test's own, and a folder for its project. */
export interface Initialized {
  client: pg.Client;
  url: string;
  folder: string;
  init(options?: { isMirror?: boolean; schemas?: string[]; as?: pg.Client }): Promise<InitOutcome>;
  /** The text of a file of the project. */
  read(name: string): string;
  write(name: string, text: string): void;
  remove(name: string): void;
  /** Every file by its name. */
  files(): Record<string, string>;
  /** The model as the pipeline puts it together. */
  model(): Model;
}

/** Starts a server for the tests of one file. */
export function useSource() {
  let server: PostgresServer | undefined;
  let databases = 0;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server?.stop());

  return async (sql: string, work: (initialized: Initialized) => Promise<void>): Promise<void> => {
    if (server === undefined) throw new Error('no server');
    databases++;
    const url = await server.createDatabase(`source_${databases}`);
    const client = new pg.Client(url);
    await client.connect();
    const folder = mkdtempSync(join(tmpdir(), 'init-'));
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    try {
      await client.query(sql);
      await work({
        client,
        url,
        folder,
        init: ({ isMirror = false, schemas, as = client } = {}) =>
          initProject({ source: as, folder, schemas, isMirror }),
        read,
        write: (name, text) => writeFileSync(join(folder, name), text),
        remove: (name) => rmSync(join(folder, name)),
        files: () =>
          Object.fromEntries(
            readdirSync(folder, { recursive: true, withFileTypes: true })
              .filter((entry) => entry.isFile())
              .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
              .sort()
              .map((name) => [name, read(name)]),
          ),
        model: () => assembleModel(loadProject(folder)),
      });
    } finally {
      rmSync(folder, { recursive: true });
      await client.end();
    }
  };
}

/** What became of each source table. */
export const kindsOf = ({ written, folded, leftOut }: InitOutcome): Record<string, string> =>
  Object.fromEntries([
    ...written.map(({ kind, table }) => [table.name, kind]),
    ...folded.map(({ table }) => [table.name, 'folded']),
    ...leftOut.map(({ name }) => [name, 'left out']),
  ]);

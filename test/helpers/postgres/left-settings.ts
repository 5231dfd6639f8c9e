import pg from 'pg';
import type { Database } from '../../../shared/postgres/database.ts';

/** What one connection is left with. */
export interface LeftBehind {
  /** Of its server process, by which a test knows that it asks the same one. */
  pid: number;
  /** What was set for the session: by name. */
  settings: Record<string, string>;
  /** Advisory locks and temporary tables that it holds. */
  held: string[];
}

/** Fails in a transaction that has failed and is still open, as the next statement of a pooled connection would. */
const question = `
  select pg_backend_pid() as pid,
         (select coalesce(json_object_agg(name, setting), '{}') from pg_settings where source = 'session') as settings,
         (select coalesce(json_agg(what), '[]') from (
            select 'advisory lock' from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()
             union all
            select relname from pg_class where relnamespace = pg_my_temp_schema() and relkind = 'r'
             union all
            select name from pg_prepared_statements
             union all
            select 'open transaction' from pg_stat_activity
             where pid = pg_backend_pid() and xact_start < query_start
          ) as holding (what)) as held`;

export async function leftBehind(client: pg.ClientBase): Promise<LeftBehind> {
  const { rows } = await client.query<LeftBehind>(question);
  if (rows[0] === undefined) throw new Error('the server did not answer');
  return rows[0];
}

/** A database whose connections stay open, also after a failure, so that a test can ask what each is left with. */
export interface KeptDatabase extends Database {
  /** Of every connection that was lent, in the order in which they were made. */
  leftBehind(): Promise<LeftBehind[]>;
}

/** @param maxConnections more are refused at once */
export function makeKeptDatabase(
  url: string,
  { maxConnections = Number.POSITIVE_INFINITY }: { maxConnections?: number } = {},
): KeptDatabase {
  const made: pg.Client[] = [];
  const free: pg.Client[] = [];
  return {
    withClient: async (work) => {
      if (free.length === 0 && made.length >= maxConnections) throw new Error('no connection is free');
      const client = free.pop() ?? new pg.Client({ connectionString: url });
      if (!made.includes(client)) {
        client.on('error', () => {});
        await client.connect();
        made.push(client);
      }
      try {
        return await work(client as pg.PoolClient);
      } finally {
        free.push(client);
      }
    },
    leftBehind: async () => {
      const left: LeftBehind[] = [];
      for (const client of made) left.push(await leftBehind(client));
      return left;
    },
    end: async () => {
      await Promise.all(made.map((client) => client.end()));
    },
  };
}

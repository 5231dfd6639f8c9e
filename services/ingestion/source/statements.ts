import type pg from 'pg';
import { liftTransactionTimeout } from '../../../shared/postgres/transaction.ts';

/** What runs one statement without parameters: a connection, in the transaction that it is in; or `planStatements`. */
export interface Statements {
  query<Row extends pg.QueryResultRow>(sql: string): Promise<{ rows: Row[] }>;
}

/**
 * Runs each statement of a plan in a short transaction of its own, under settings that end with it.
 *
 * - Of its own, because `age()` keeps the next xid of a transaction (see newRowsCondition).
 * - Settings that end with it: behind a pooler the next statement may go to another of its connections, and what stays
 *   on this one breaks another client's queries.
 * - A table that is locked is left to a later plan, so nobody waits for it for long.
 * - A server compiles a statement that it takes for a costly one, as of tables that nobody has analyzed. Each runs once,
 *   and to compile it takes longer.
 * - With row_security off Postgres refuses a table whose policies would hide rows, instead of omitting the rows.
 *
 * Several statements in one simple query are one transaction and one round trip, and the server itself takes back what
 * fails. A simple query has no parameters: values are literals.
 *
 * @param client outside of a transaction
 */
export const planStatements = (client: pg.Client): Statements & { host: string } => ({
  host: client.host,
  query: async <Row extends pg.QueryResultRow>(sql: string) => {
    // For several statements pg gives an array, against its own types.
    const results: unknown = await client.query(`${settings};\n${sql}`);
    return (results as pg.QueryResult<Row>[]).at(-1) ?? { rows: [] };
  },
});

const settings = `
  set local statement_timeout = '120s';
  set local lock_timeout = '500ms';
  set local row_security = off;
  set local jit = off;
  ${liftTransactionTimeout}`;

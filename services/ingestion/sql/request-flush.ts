import type { Statements } from './plan-statements.ts';

/**
 * Has the server flush all that it has logged, before this returns: a commit that wrote to the log waits for it. The
 * message in the log is one that nobody reads; it needs no right, and no table is touched.
 *
 * `local`: a commit that waited for a synchronous standby as well would wait for a host that may be down.
 */
export async function requestFlush(source: Statements): Promise<void> {
  await source.query(`
    set local synchronous_commit = local;
    select pg_logical_emit_message(true, 'starlift', '')`);
}

/**
 * The same where a role may not call the function. A transaction that has an xid and has written nothing needs no
 * right at all; its commit record asks the WAL writer to go on, which comes to it within 0.4 s.
 */
export async function assignXid(source: Statements): Promise<void> {
  await source.query('select pg_current_xact_id()');
}

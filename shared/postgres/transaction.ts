import type pg from 'pg';

/**
 * Runs the work in one `read committed` transaction: committed when it returns, rolled back when it throws.
 *
 * Its commit is durable under any setting of the server. What is committed here lets a message be deleted or a
 * file say that it is so, and a commit with `synchronous_commit = off` is answered before a crash could no longer take
 * it back. A stronger setting (`remote_apply`) stays, and so does `local`: it is durable, and a deliberate choice.
 *
 * Its locks do not outlive a client that has vanished without a word, as with its machine or its network, by more than a
 * minute. The settings for it are the transaction's, and end with it.
 *
 * @throws any error that the work throws. If the rollback fails too, the connection is gone, and that error is dropped
 */
export const inTransaction = <T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> =>
  within(
    client,
    `begin isolation level read committed; ${liftTransactionTimeout}; ${makeDurable}; ${noticeLostClient}`,
    work,
  );

const makeDurable = `
  select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off'`;

/**
 * By default the server asks after a silent client only after two hours, and resends for a quarter of an hour what one does
 * not confirm. Keepalives find a client that owes the server something, the timeout one that the server owes something, and
 * the interval has it look while it is at work itself; Postgres 13 does not know that one. What other systems than Linux
 * refuse is left alone there, and over a Unix socket the first four do nothing.
 */
const noticeLostClient = `
  select set_config(name, value, true)
    from (values ('tcp_keepalives_idle', '10'), ('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '4'),
                 ('tcp_user_timeout', '30s'), ('client_connection_check_interval', '10s')) as limits (name, value)
   where version() like '%linux%' and current_setting(name, true) is not null`;

/**
 * A statement that keeps a role's transaction_timeout from ending this transaction: its other limits are ours. Servers
 * below Postgres 17 do not know the setting, and there it does nothing. It takes the transaction's snapshot.
 */
export const liftTransactionTimeout = `
  select set_config('transaction_timeout', '0', true) where current_setting('transaction_timeout', true) <> '0'`;

/** Runs queries in one snapshot: all see what was committed when the first of them began. */
export const inSnapshot = <T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> =>
  within(client, 'begin isolation level repeatable read read only', work);

async function within<T>(client: pg.ClientBase, begin: string, work: () => Promise<T>): Promise<T> {
  let result: T;
  try {
    await client.query(begin);
    result = await work();
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
  await client.query('commit');
  return result;
}

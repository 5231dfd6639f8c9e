/** An error that the server reported, as pg represents it. Only these have a `severity`. */
export interface ServerError {
  message: string;
  code: string;
  severity: string;
}

/** Whether the server reported the error, rather than pg or the network. */
export function isServerError(error: unknown): error is ServerError {
  const { message, code, severity } = (error ?? {}) as Partial<Record<keyof ServerError, unknown>>;
  return typeof message === 'string' && typeof code === 'string' && severity !== undefined;
}

/** Whether the server has canceled a statement: it ran into statement_timeout, or somebody asked for it. */
export const isCanceled = (error: unknown): boolean => (error as { code?: unknown }).code === '57014';

/** Whether a code is the system's, such as ECONNREFUSED: the way to the server failed. Node's own begin with ERR_. */
export const isSystemCode = (code: unknown): code is string =>
  typeof code === 'string' && /^E(?!RR_)[A-Z_]+$/.test(code);

/**
 * A server's error in its own words, with the SQLSTATE that an operator can look up, and without a row's values:
 * Postgres puts these into DETAIL and CONTEXT, which are omitted, and into the messages of class 22 (data
 * exceptions), between quotes.
 */
export function describeServerError({ message, code }: ServerError): string {
  const text = code.startsWith('22') ? omitQuoted(message) : message;
  return `${text} (SQLSTATE ${code})`;
}

/**
 * Translations of the server's messages quote in their own ways, and a value may hold quotes itself: so from the first to the
 * last of them. An apostrophe counts only where a message has no other quotes, because some languages write words with it.
 */
function omitQuoted(message: string): string {
  const omitted = message.replace(/["«»‹›„“”‟‚‘「」『』].*["«»‹›„“”‟‘’「」『』]/s, '"…"');
  return omitted === message ? message.replace(/['’].*['’]/s, '"…"') : omitted;
}

/**
 * SQLSTATEs that succeed when tried again. All others would fail again.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const transientStates = new Set([
  '25006', // read_only_sql_transaction: the primary has just become a standby
  '25P03', // idle_in_transaction_session_timeout
  '25P04', // transaction_timeout
  '28P01', // invalid_password: a rotation is under way; the next attempt fetches the secret again
  '40001', // serialization_failure; on a standby also a conflict with recovery
  '40P01', // deadlock_detected
  '55006', // object_in_use
  '55P03', // lock_not_available: lock_timeout
  '57014', // query_canceled: statement_timeout, or a standby's recovery conflict
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
  '58000', // system_error
  '58030', // io_error
]);

const transientClasses = new Set([
  '08', // connection exception
  '53', // insufficient resources: disk full, out of memory, too many connections
]);

/** Whether a statement that failed with this SQLSTATE may succeed when it is tried again. */
export const isTransientState = (state: string): boolean =>
  transientStates.has(state) || transientClasses.has(state.slice(0, 2));

/**
 * Whether a proxy or pooler refused the connection for its `options`: RDS Proxy says that it "currently doesn’t support
 * command-line options", pgbouncer that it is an unsupported startup parameter.
 */
export function isOptionsRefused(error: unknown): boolean {
  const { code, message } = (error ?? {}) as Partial<Record<keyof ServerError, unknown>>;
  const text = String(message);
  return (
    (code === '0A000' && text.includes('support command-line options')) ||
    (code === '08P01' && text.includes('unsupported startup parameter') && text.includes('options'))
  );
}

/** What to do then, as the rest of a sentence. */
export const withoutOptions =
  'take `options` out of its URL or secret, and set such settings for the role (alter role … set …)';

/** Whether the server refused a row because its key is there already. */
export const isUniqueViolation = (error: unknown): boolean =>
  (error as { code?: unknown } | undefined)?.code === '23505';

/**
 * Whether the table's state forbids the statement, as for a delete from a published table without a replica identity.
 */
export const isObjectNotReady = (error: unknown): boolean =>
  (error as { code?: unknown } | undefined)?.code === '55000';

/** A full disk can come at any statement, and is nobody's statement's fault. */
export const isDiskFull = (code: unknown): boolean => code === '53100';

/**
 * A role's transaction_timeout was over before the transaction could lift it, as on a server that has too much to do. No
 * message's own work makes that: from its first statement on it has no such limit.
 */
export const isTransactionTimeout = (code: unknown): boolean => code === '25P04';

/** A lock_timeout ran out, or NOWAIT found the lock taken. */
export const isLockNotAvailable = (code: unknown): boolean => code === '55P03';

/** There is no such table: it was dropped, or has another name now. */
export const isUndefinedTable = (error: unknown): boolean =>
  (error as { code?: unknown } | undefined)?.code === '42P01';

import type { ConnectionOptions } from 'node:tls';
import type pg from 'pg';
import { TransientError } from '../errors.ts';
import type { DatabaseSecret, TargetSessionAttributes } from './database-secret.ts';
import { makeIamPassword } from './iam-token.ts';
import { type Address, formatAddress, TunnelSocket } from './tunnel-socket.ts';

/** Without connect_timeout in the secret. */
const connectTimeoutSeconds = 10;
/** The system asks ten times, a second apart, before it gives the connection up. */
const firstKeepAliveMs = 5000;

/** The settings with which pg connects. */
export type ClientSettings = pg.ClientConfig & {
  connectionTimeoutMillis: number;
  /** Whether to go on without TLS where the server has none: see `preferTls`. */
  isTlsPreferred: boolean;
  /** The near end of a tunnel to the host; undefined where it is connected to itself. */
  via: Address | undefined;
};

/**
 * All of a secret as pg takes it: the command line and the functions reach one and the same target.
 *
 * @param via the near end of a tunnel to the secret's host
 */
export function makeClientSettings(
  secret: DatabaseSecret,
  applicationName: string,
  via?: Address,
): ClientSettings {
  const { connect_timeout = connectTimeoutSeconds, options } = secret;
  const settings: ClientSettings = {
    host: secret.host,
    port: secret.port,
    database: secret.dbname,
    user: secret.username,
    password: secret.auth === 'iam' ? makeIamPassword(secret) : secret.password,
    ssl: makeTlsOptions(secret),
    isTlsPreferred: secret.sslmode === 'prefer',
    via,
    application_name: secret.application_name ?? applicationName,
    connectionTimeoutMillis: connect_timeout * 1000,
    keepAlive: true,
    keepAliveInitialDelayMillis: firstKeepAliveMs,
  };
  if (options !== undefined) settings.options = options;
  if (via !== undefined) settings.stream = () => new TunnelSocket(via);
  return settings;
}

function makeTlsOptions(secret: DatabaseSecret): ConnectionOptions | false {
  const { sslmode = 'verify-full', sslrootcert, sslcert, sslkey } = secret;
  if (sslmode === 'disable') return false;
  const options: ConnectionOptions = { rejectUnauthorized: sslmode === 'verify-full' };
  if (sslrootcert !== undefined) {
    options.ca = sslrootcert;
    // As in libpq: with an authority of its own `require` checks who has signed, and not the name.
    options.rejectUnauthorized = true;
    if (sslmode === 'require') options.checkServerIdentity = () => undefined;
  }
  if (sslcert !== undefined) options.cert = sslcert;
  if (sslkey !== undefined) options.key = sslkey;
  return options;
}

/** `the warehouse at db.example:5432`, with ` via localhost:15432` where a tunnel leads there. */
export function describeServer(what: string, { host, port }: Address, via?: Address): string {
  const tunnel = via === undefined ? '' : ` via ${formatAddress(via)}`;
  if (host.startsWith('/')) return `the ${what} at ${host}/.s.PGSQL.${port}${tunnel}`;
  return `the ${what} at ${formatAddress({ host, port })}${tunnel}`;
}

/**
 * Asserts that the server is of the kind that its secret asks for. A failover moves names to other servers, so another
 * attempt may reach one that is.
 *
 * @throws {TransientError} it is of another kind
 */
export async function assertTargetSession(
  client: pg.ClientBase,
  what: string,
  secret: DatabaseSecret,
): Promise<void> {
  const { target_session_attrs: wanted = 'any' } = secret;
  if (wanted === 'any') return;
  const { rows } = await client.query<{ isStandby: boolean; isReadOnly: boolean }>(
    `select pg_is_in_recovery() as "isStandby", current_setting('transaction_read_only')::boolean as "isReadOnly"`,
  );
  const { isStandby, isReadOnly } = rows[0] ?? { isStandby: false, isReadOnly: false };
  const found: Record<Exclude<TargetSessionAttributes, 'any'>, boolean> = {
    'read-write': !isReadOnly,
    'read-only': isReadOnly,
    primary: !isStandby,
    standby: isStandby,
  };
  if (found[wanted]) return;
  const kind = isStandby ? 'a standby' : isReadOnly ? 'a read-only primary' : 'a primary that takes writes';
  throw new TransientError(
    `${describeServer(what, secret)} is ${kind}, and target_session_attrs asks for ${wanted}: name another server`,
  );
}

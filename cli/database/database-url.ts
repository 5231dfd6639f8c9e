import { readFileSync } from 'node:fs';
import {
  type DatabaseSecret,
  type SslMode,
  secretSslModes,
  sslModes,
  targetSessionAttributes,
} from '../../shared/postgres/database-secret.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { findPassword } from './password-file.ts';
import { findService, type LibpqEnvironment } from './service-file.ts';

const shape = 'postgres://user:password@host:port/database';

export type Side = 'source' | 'warehouse';

/** The URLs that the user has named. */
export type NamedDatabases = Partial<Record<Side, string | undefined>>;

/** The parameters that may follow a `?`. What is not here is refused by name: a target is never guessed. */
const parameterNames = [
  'host',
  'port',
  'user',
  'password',
  'dbname',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
  'options',
  'application_name',
  'connect_timeout',
  'target_session_attrs',
  'service',
] as const;

type ParameterName = (typeof parameterNames)[number];
/** What may be said of a database by libpq's names, each as text. */
export type Parameters = Partial<Record<ParameterName, string>>;

/** What a URL names: a secret in which anything but the database may be missing. */
export type NamedByUrl = Partial<DatabaseSecret> & Pick<DatabaseSecret, 'dbname'>;

/**
 * A database URL as the secret that the services read. What it does not name comes from its service (or
 * PGSERVICE, where it names no host), the password also from PGPASSWORD or a password file, sslmode from PGSSLMODE, and then
 * from the command line's defaults.
 *
 * @param option the command-line option that the URL came by, for the message
 * @throws {UsageError} it is not a Postgres URL, or has a parameter that is not supported; the message never holds the
 * URL, for it may hold a password
 */
export function secretOfUrl(
  option: string,
  text: string,
  environment: LibpqEnvironment = process.env,
): DatabaseSecret {
  const inUrl = readParameters(option, text);
  // A URL with a host of its own is whole: two databases are at work, and a variable is for one.
  const service = inUrl.service ?? (inUrl.host === undefined ? environment.PGSERVICE : undefined);
  const inService = service ? readService(option, service, environment) : {};
  const named = assemble(option, { ...inService, ...inUrl }, secretSslModes);
  const sslmode = named.sslmode ?? readSslMode(environment);
  const unused = (['sslrootcert', 'sslcert'] as const).find((name) => named[name] !== undefined);
  if ((sslmode === 'disable' || sslmode === 'prefer') && unused !== undefined) {
    throw new UsageError(`${option} has ${unused} and does not insist on TLS: add sslmode=verify-full`);
  }
  const secret = { host: 'localhost', port: 5432, username: 'postgres', password: '', ...named, sslmode };
  if (secret.password === '') secret.password = findPassword(secret, environment) ?? '';
  return secret;
}

/** As libpq's own default: encrypted where the server can, whoever answers. */
const readSslMode = ({ PGSSLMODE }: LibpqEnvironment): SslMode =>
  PGSSLMODE ? parseChoice('PGSSLMODE', 'sslmode', PGSSLMODE, secretSslModes.toReversed()) : 'prefer';

function readService(option: string, service: string, environment: LibpqEnvironment): Parameters {
  const found: Parameters = {};
  for (const [name, value] of Object.entries(findService(service, environment))) {
    const known = parameterNames.find((each) => each === name && each !== 'service');
    if (known === undefined)
      throw new UsageError(`${option}: the service ${service} has ${explainUnknown(name)}`);
    found[known] = value;
  }
  return withoutEmpty(found);
}

/**
 * Reads both URLs, where they are given, before either is connected to and before anything is made.
 *
 * @throws {UsageError} as secretOfUrl
 */
export function assertUrls({ source, warehouse }: NamedDatabases): void {
  if (source !== undefined) secretOfUrl('--source', source);
  if (warehouse !== undefined) secretOfUrl('--warehouse', warehouse);
}

/**
 * Reads a URL as libpq does: a parameter behind the `?` overrides what stands before it, an empty one counts as absent.
 *
 * @see https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 * @throws {UsageError} as secretOfUrl
 */
export function parseDatabaseUrl(option: string, text: string): NamedByUrl {
  const parameters = readParameters(option, text);
  if (parameters.service !== undefined) {
    throw new UsageError(`${option} names a service of this machine: name its host and database`);
  }
  // Whether a stage's connections are encrypted is not left to its servers.
  return assemble(option, parameters, sslModes);
}

function readParameters(option: string, text: string): Parameters {
  const [, authority, path = '', query = ''] =
    /^postgres(?:ql)?:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(text.trim()) ?? [];
  if (authority === undefined) throw new UsageError(`${option} is not a Postgres URL: ${explainShape(text)}`);
  try {
    const before = { ...parseAuthority(option, authority), ...decodeAll({ dbname: path }) };
    return { ...before, ...parseParameters(option, query) };
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    // Its own message is no help, and the URL may hold a password.
    throw new UsageError(`${option} is not a Postgres URL: a % in it that is meant as itself is written %25`);
  }
}

/** Whether the URL itself has a password; one that the environment or a password file has is not looked for. */
export const hasPassword = (option: string, text: string): boolean =>
  readParameters(option, text).password !== undefined;

/** The same URL without its password. */
export function hidePassword(option: string, text: string): string {
  const { password: _, host = '', port, user, dbname = '', ...others } = readParameters(option, text);
  const encodedUser = user === undefined ? '' : `${encodeURIComponent(user)}@`;
  // A socket folder cannot be the host of a URL.
  const isFolder = host.startsWith('/');
  const hostText = host.includes(':') ? `[${host}]` : encodeURIComponent(host);
  const authority = `${encodedUser}${isFolder ? '' : hostText}${isFolder || port === undefined ? '' : `:${port}`}`;
  const query = Object.entries({ ...(isFolder && { host, port }), ...others }).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
  );
  return `postgres://${authority}/${encodeURIComponent(dbname)}${query.length === 0 ? '' : `?${query.join('&')}`}`;
}

const explainShape = (text: string): string =>
  /^postgres(ql)?:.*#/i.test(text) ? 'a # in it that is meant as itself is written %23' : `use ${shape}`;

function parseAuthority(option: string, authority: string): Parameters {
  // The last @: what is in a password may have been left as it is.
  const [, user, password, hosts = ''] = /^(?:([^:]*?)(?::(.*))?@)?([^@]*)$/.exec(authority) ?? [];
  assertOne(option, 'hosts', hosts);
  const [, bracketed, plain, port] = /^(?:\[([\da-f:.%]+)\]|([^:[\]]*))(?::(\d*))?$/i.exec(hosts) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) throw new UsageError(`${option} is not a Postgres URL: use ${shape}`);
  return decodeAll({ user, password, host, port });
}

function parseParameters(option: string, query: string): Parameters {
  const found: Parameters = {};
  for (const pair of query.split('&').filter((each) => each !== '')) {
    const [, name, value] = /^([^=]*)=(.*)$/s.exec(pair) ?? [];
    if (name === undefined || value === undefined) {
      throw new UsageError(`${option} has a parameter without a value (a & in a password is written %26)`);
    }
    const decoded = decodeURIComponent(name);
    const known = parameterNames.find((each) => each === decoded);
    if (known === undefined) throw new UsageError(`${option} has ${explainUnknown(decoded)}`);
    if (found[known] !== undefined) throw new UsageError(`${option} gives ${known} twice`);
    found[known] = decodeURIComponent(value);
  }
  return withoutEmpty(found);
}

// What is no name may be a piece of a password.
const explainUnknown = (name: string): string =>
  `${/^[a-z_]{1,40}$/i.test(name) ? `the parameter ${name}, which` : 'a parameter that'} Starlift does not know: ` +
  `it takes ${parameterNames.join(', ')}`;

function decodeAll(parts: Partial<Record<ParameterName, string | undefined>>): Parameters {
  const decoded = Object.entries(parts).map(([name, value]) => [name, decodeURIComponent(value ?? '')]);
  return withoutEmpty(Object.fromEntries(decoded) as Parameters);
}

const withoutEmpty = (parameters: Parameters): Parameters =>
  Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== ''));

function assemble(option: string, parameters: Parameters, modes: readonly SslMode[]): NamedByUrl {
  const { host, port, user, password, dbname, sslmode, connect_timeout, target_session_attrs } = parameters;
  if (dbname === undefined) throw new UsageError(`${option} names no database: use ${shape}`);
  assertOne(option, 'hosts', host);
  assertOne(option, 'ports', port);
  const named: NamedByUrl = { dbname };
  if (host !== undefined) named.host = host;
  if (port !== undefined) named.port = parseWhole(option, 'port', port, 65_535);
  if (user !== undefined) named.username = user;
  if (password !== undefined) named.password = password;
  if (sslmode !== undefined) named.sslmode = parseChoice(option, 'sslmode', sslmode, modes.toReversed());
  if (parameters.options !== undefined) named.options = parameters.options;
  if (parameters.application_name !== undefined) named.application_name = parameters.application_name;
  if (connect_timeout !== undefined) {
    // libpq's 0 waits for ever, which nothing here may.
    named.connect_timeout = parseWhole(option, 'connect_timeout', connect_timeout, 3600);
  }
  if (target_session_attrs !== undefined) {
    const name = 'target_session_attrs';
    named[name] = parseChoice(option, name, target_session_attrs, targetSessionAttributes);
  }
  return { ...named, ...readCertificates(option, parameters) };
}

function parseChoice<T extends string>(
  option: string,
  name: ParameterName,
  value: string,
  choices: readonly T[],
): T {
  const choice = choices.find((each) => each === value);
  if (choice !== undefined) return choice;
  const [last, ...others] = choices.toReversed();
  throw new UsageError(`${option} has ${name}=${value}: use ${others.toReversed().join(', ')} or ${last}`);
}

function parseWhole(option: string, name: ParameterName, value: string, max: number): number {
  if (/^\d{1,9}$/.test(value) && Number(value) >= 1 && Number(value) <= max) return Number(value);
  throw new UsageError(`${option} has ${name}=${value}: use a whole number from 1 to ${max}`);
}

/** The files' texts: the functions that the secret is for may run on another machine, or in another folder. */
function readCertificates(option: string, parameters: Parameters) {
  const found: Pick<DatabaseSecret, 'sslrootcert' | 'sslcert' | 'sslkey'> = {};
  for (const name of ['sslrootcert', 'sslcert', 'sslkey'] as const) {
    const file = parameters[name];
    if (file === undefined) continue;
    try {
      found[name] = readFileSync(file, 'utf8');
    } catch (error) {
      const { code } = error as { code?: unknown };
      throw new UsageError(`${option} has ${name}=${file}, which cannot be read (${String(code)})`);
    }
  }
  if ((found.sslcert === undefined) !== (found.sslkey === undefined)) {
    const [has, lacks] = found.sslkey === undefined ? ['sslcert', 'sslkey'] : ['sslkey', 'sslcert'];
    throw new UsageError(`${option} has ${has} without ${lacks}: a client's certificate takes both`);
  }
  return found;
}

function assertOne(option: string, what: string, text: string | undefined): void {
  if (text?.includes(',')) {
    throw new UsageError(`${option} names several ${what}: name one, which target_session_attrs then checks`);
  }
}

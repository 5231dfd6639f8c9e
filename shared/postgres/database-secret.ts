import { TerminalError } from '../errors.ts';

/** How a stage uses TLS: `require` encrypts, whoever answers. The first is the default. */
export const sslModes = ['verify-full', 'require', 'disable'] as const;
/** What a secret may say: `prefer` does as `require` where the server has TLS, and goes without where it has none. */
export const secretSslModes = ['verify-full', 'require', 'prefer', 'disable'] as const;
export type SslMode = (typeof secretSslModes)[number];

/** What a server must be at the time of connecting, as libpq names it. */
export const targetSessionAttributes = ['any', 'read-write', 'read-only', 'primary', 'standby'] as const;
export type TargetSessionAttributes = (typeof targetSessionAttributes)[number];

/** A database's secret in the shape that RDS writes. What may be missing is what RDS does not write. */
export interface DatabaseSecret {
  /** A name, an address, or the folder of a Unix socket. */
  host: string;
  port: number;
  dbname: string;
  username: string;
  /** Empty with `auth`. */
  password: string;
  /** `iam`: a token in place of a password, which AWS' credentials give. */
  auth?: 'iam';
  sslmode?: SslMode;
  /** Certificates and key as PEM texts, not as files. */
  sslrootcert?: string;
  sslcert?: string;
  sslkey?: string;
  /** What is sent to the server as its command line, such as `-c search_path=star`. */
  options?: string;
  /** In place of the function's own. */
  application_name?: string;
  /** Seconds. */
  connect_timeout?: number;
  target_session_attrs?: TargetSessionAttributes;
  /** Of the source: the key for columns that the model masks. */
  maskKey?: string;
}

/**
 * @param name the secret's, for the message
 * @throws {TerminalError} the secret is not JSON or lacks a field; the message never holds its content
 */
export function parseDatabaseSecret(name: string, text: string): DatabaseSecret {
  const value = parseObject(name, text);
  for (const field of ['host', 'dbname', 'username']) {
    if (typeof value[field] !== 'string' || value[field] === '') {
      throw new TerminalError(`the secret ${name} has no ${field}`);
    }
  }
  // An empty one is legal: the server may trust the host, or know it by its certificate.
  if (value.auth !== undefined && value.auth !== 'iam') {
    throw new TerminalError(
      `the secret ${name} has an auth other than iam: leave it out to use its password`,
    );
  }
  const password = value.auth === 'iam' ? (value.password ?? '') : value.password;
  if (typeof password !== 'string') throw new TerminalError(`the secret ${name} has no password`);
  const port = Number(value.port);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new TerminalError(`the secret ${name} has no valid port`);
  const { sslmode } = value;
  if (sslmode !== undefined && !secretSslModes.some((mode) => mode === sslmode)) {
    throw new TerminalError(
      `the secret ${name} has an sslmode other than disable, prefer, require, verify-full`,
    );
  }
  const { target_session_attrs: attributes, connect_timeout: timeout } = value;
  if (attributes !== undefined && !targetSessionAttributes.some((each) => each === attributes)) {
    throw new TerminalError(
      `the secret ${name} has a target_session_attrs other than ${targetSessionAttributes.join(', ')}`,
    );
  }
  if (timeout !== undefined && !(Number(timeout) > 0)) {
    throw new TerminalError(`the secret ${name} has no valid connect_timeout: seconds`);
  }
  const notText = textFields.find((field) => value[field] !== undefined && typeof value[field] !== 'string');
  if (notText !== undefined) throw new TerminalError(`the secret ${name} has no valid ${notText}`);
  return { ...value, port, password } as unknown as DatabaseSecret;
}

const textFields = ['sslrootcert', 'sslcert', 'sslkey', 'options', 'application_name', 'maskKey'];

function parseObject(name: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // JSON.parse quotes its input, which holds a password: its error must not be the cause of ours.
  }
  throw new TerminalError(`the secret ${name} is not a JSON object`);
}

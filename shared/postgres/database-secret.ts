import { TerminalError } from '../errors.ts';

/** How TLS is used: `require` encrypts, whoever answers. The first is the default. */
export const sslModes = ['verify-full', 'require', 'disable'] as const;
export type SslMode = (typeof sslModes)[number];

/** A database's secret in the shape that RDS writes. */
export interface DatabaseSecret {
  host: string;
  port: number;
  dbname: string;
  username: string;
  password: string;
  /** RDS secrets do not have it. */
  sslmode?: SslMode;
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
  if (typeof value.password !== 'string') throw new TerminalError(`the secret ${name} has no password`);
  const port = Number(value.port);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new TerminalError(`the secret ${name} has no valid port`);
  const { sslmode } = value;
  if (sslmode !== undefined && !sslModes.some((mode) => mode === sslmode)) {
    throw new TerminalError(`the secret ${name} has an sslmode other than disable, require, verify-full`);
  }
  return { ...value, port } as unknown as DatabaseSecret;
}

function parseObject(name: string, text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // JSON.parse quotes what it was given, and that is a password: its error must not be the cause of ours.
  }
  throw new TerminalError(`the secret ${name} is no JSON object`);
}

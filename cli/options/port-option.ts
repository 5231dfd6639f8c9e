import { UsageError } from '../terminal/usage-error.ts';

/**
 * Reads --port.
 *
 * @returns 0 for any that is free
 * @throws {UsageError} it is not a port
 */
export function parsePort(value: string | boolean): number {
  const port = Number(value);
  if (!/^\d{1,5}$/.test(String(value)) || port > 65_535)
    throw new UsageError(`--port ${String(value)} is not a port (expected a whole number up to 65535)`);
  return port;
}

import { isIPv4 } from 'node:net';
import { UsageError } from '../terminal/usage-error.ts';
import type { OptionValues } from './site-options.ts';

/** Where a console listens, and what it may do. */
export interface ConsoleChoice {
  /** 0 for any that is free. */
  port: number;
  host: string;
  allowsActions: boolean;
}

const thisMachine = '127.0.0.1';

/**
 * Reads the options of a console.
 *
 * @throws {UsageError} the port or the host is none, or the console would act for other machines
 */
export function parseConsoleOptions(values: OptionValues): ConsoleChoice {
  const choice = {
    port: parsePort(values.port ?? '0'),
    host: parseHost(values.host ?? thisMachine),
    allowsActions: values['allow-actions'] === true,
  };
  if (choice.allowsActions && !isOfThisMachine(choice.host))
    throw new UsageError(
      `--allow-actions cannot be combined with --host ${choice.host}: a console that other machines reach runs no commands`,
    );
  return choice;
}

/** Whether no other machine reaches the address. */
export const isOfThisMachine = (host: string): boolean => host.startsWith('127.');

function parsePort(value: string | boolean): number {
  const port = Number(value);
  if (!/^\d{1,5}$/.test(String(value)) || port > 65_535)
    throw new UsageError(`--port ${String(value)} is not a port (expected a whole number up to 65535)`);
  return port;
}

function parseHost(value: string | boolean): string {
  const host = String(value);
  if (isIPv4(host)) return host;
  throw new UsageError(
    `--host ${host} is not an IPv4 address (expected one to listen on, such as 0.0.0.0 in a container)`,
  );
}

import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { Model } from '../../shared/model/model.ts';
import { quoteSource } from '../../shared/model/source-name.ts';
import { findUnfitEncoding } from '../../shared/warehouse/server-encoding.ts';
import { connect, UnreachableError } from '../database/connect.ts';
import type { NamedDatabases } from '../database/database-url.ts';
import { assertUrls } from '../database/database-url.ts';
import { formatDuration, formatTime } from '../terminal/time.ts';
import { UsageError } from '../terminal/usage-error.ts';

/** Connections to the user's databases; undefined for an embedded one. */
export interface NamedConnections {
  source: pg.Client | undefined;
  warehouse: pg.Client | undefined;
  /** Ends those that are still open. */
  end(): Promise<void>;
}

/**
 * Connects to the user's databases, before the folder is made or anything is started.
 *
 * @throws {UsageError} one cannot be reached, the source has none of the model's tables, or the warehouse lacks characters
 */
export async function connectNamed(
  { source, warehouse }: NamedDatabases,
  model: Model,
): Promise<NamedConnections> {
  assertUrls({ source, warehouse });
  const connecting = [
    source === undefined ? undefined : connectSource(source, model),
    warehouse === undefined ? undefined : connectWarehouse(warehouse),
  ];
  const settled = await Promise.allSettled(connecting);
  const clients = settled.map((result) => (result.status === 'fulfilled' ? result.value : undefined));
  const end = async () => {
    await Promise.all(clients.map((client) => client?.end()));
  };
  const failures = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
  if (failures.length > 0) {
    await end();
    const [first] = failures;
    const wrong = failures.find((error) => !isRefusal(error));
    if (wrong !== undefined || failures.length === 1) throw wrong ?? first;
    // One error of both: nobody is to wait for the one and then learn of the other.
    const messages = failures.map(({ message }) => message);
    throw new UnreachableError(messages.join(', and '), { cause: first.cause });
  }
  return { source: clients[0], warehouse: clients[1], end };
}

/** A database has refused for as long as a run was to wait: nothing is wrong with how it was called. */
export class StillRefusedError extends Error {
  readonly exitCode = 1;
}

export interface ConnectPatience {
  waitMs: number;
  interrupted: AbortSignal;
  info(line: string): void;
}

const pauseMs = 1000;

/**
 * The same, and tries again while one of them refuses. Prints why, once for each reason.
 *
 * @throws {UsageError} it refuses for a reason that does not pass by itself, or there is no time to wait
 * @throws {StillRefusedError} it still refuses after that time
 */
export async function connectPatiently(
  databases: NamedDatabases,
  model: Model,
  { waitMs, interrupted, info }: ConnectPatience,
): Promise<NamedConnections> {
  const since = new Date();
  const begun = performance.now();
  let told: string | undefined;
  for (;;) {
    try {
      const connections = await connectNamed(databases, model);
      if (told !== undefined) info(`Connected after ${formatDuration((performance.now() - begun) / 1000)}.`);
      return connections;
    } catch (error) {
      if (interrupted.aborted || !isRefusal(error) || pauseMs > waitMs) throw error;
      const { message } = error as UsageError;
      if (performance.now() - begun + pauseMs > waitMs) {
        const waited = formatDuration((performance.now() - begun) / 1000);
        throw new StillRefusedError(
          `${message}, since ${formatTime(since)}; waited for ${waited}, and nothing was planned or loaded`,
          { cause: error },
        );
      }
      if (message !== told) info(`! ${message}, since ${formatTime(since)}; waiting`);
      told = message;
    }
    await delay(pauseMs, undefined, { signal: interrupted }).catch(() => {});
  }
}

/** Of a server that cannot be reached now, or that takes no connection of this role now. */
function isRefusal(error: unknown): boolean {
  if (error instanceof UnreachableError) return true;
  if (!(error instanceof UsageError)) return false;
  const { code, message } = (error.cause ?? {}) as { code?: unknown; message?: unknown };
  return (
    (typeof code === 'string' && /^(28|3D000|53|55000|57P)/.test(code)) ||
    /Connection terminated/.test(String(message))
  );
}

/** @throws {UsageError} it cannot be reached, or is in an encoding that lacks characters */
async function connectWarehouse(url: string): Promise<pg.Client> {
  const client = await connect(url, 'warehouse');
  const problem = await findUnfitEncoding(client).catch(async (error: unknown) => {
    await client.end();
    throw error;
  });
  if (problem === undefined) return client;
  await client.end();
  throw new UsageError(problem);
}

/** @throws {UsageError} it cannot be reached, or has none of the model's tables */
export async function connectSource(url: string, model: Model): Promise<pg.Client> {
  const client = await connect(url, 'source');
  try {
    await assertSourceHasTables(client, model);
    return client;
  } catch (error) {
    await client.end();
    throw error;
  }
}

async function assertSourceHasTables(source: pg.Client, { sources }: Model): Promise<void> {
  const { rows } = await source.query(
    `select from unnest($1::text[]) as wanted (name) where to_regclass(wanted.name) is not null limit 1`,
    [sources.map((source) => quoteSource(source, 'public'))],
  );
  if (rows.length === 0) {
    const names = sources.map(({ name }) => name).join(', ');
    throw new UsageError(`the source has none of the model's tables (${names}) in its schema public`);
  }
}

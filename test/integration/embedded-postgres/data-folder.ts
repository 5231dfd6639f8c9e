import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import {
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../../cli/embedded/postgres/embedded-postgres.ts';

/** A temporary folder that any user may pass through, and a data folder in it that does not exist yet. */
export async function makeDataFolder(): Promise<{
  parent: string;
  dataDir: string;
  remove(): Promise<void>;
}> {
  const parent = await mkdtemp(join(tmpdir(), 'starlift-postgres-'));
  await chmod(parent, 0o755);
  const remove = () => rm(parent, { recursive: true, force: true });
  return { parent, dataDir: join(parent, 'data'), remove };
}

/** Runs one statement on a connection of its own. */
export async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Starts a server, hands it over, and stops it whatever happens. */
export async function withServer<T>(
  dataDir: string,
  use: (server: EmbeddedPostgres) => Promise<T>,
): Promise<T> {
  const server = await startEmbeddedPostgres({ dataDir });
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

/** Starts the server from a process of its own, and waits for it to say so: its first line of stdout. */
export async function startElsewhere(dataDir: string): Promise<{ starter: ChildProcess; firstLine: string }> {
  const script = fileURLToPath(new URL('./start-and-stay.ts', import.meta.url));
  const starter = spawn(process.execPath, [script, dataDir], { stdio: ['ignore', 'pipe', 'ignore'] });
  const [firstLine] = await once(createInterface({ input: starter.stdout }), 'line');
  return { starter, firstLine: String(firstLine) };
}

/** Waits for the end of a process that is not our child. One that nobody has reaped counts as gone. */
export async function waitUntilGone(pid: number, deadlineMs = 10_000): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const state = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
    if (state === undefined || / Z /.test(state)) return;
    if (Date.now() > deadline) throw new Error(`process ${pid} is still there after ${deadlineMs} ms`);
    await new Promise(setImmediate);
  }
}

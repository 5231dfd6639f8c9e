import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import pg from 'pg';
import { findFreePort } from '../network/free-port.ts';
import { runServerProgram, serverUser } from './postgres-binaries.ts';

export interface PostgresServer {
  readonly binDir: string;
  readonly dataDir: string;
  readonly port: number;
  /** @param database postgres when left out */
  url(database?: string): string;
  /** @returns the new database's URL */
  createDatabase(name: string, template?: string): Promise<string>;
  /** Ends the server at once and removes its data folder. */
  stop(): Promise<void>;
  /** Sends the signal to the postmaster; done when it and all of its processes are gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and data folder, after a clean shutdown if it still runs. */
  restart(): Promise<void>;
  /** Runs a program of the same installation, such as pg_resetwal, as the server's OS user: its stdout. */
  run(program: string, args: string[]): Promise<string>;
}

export interface PostgresServerOptions {
  binDir: string;
  /** A free one when left out. */
  port?: number;
  settings?: Record<string, string>;
}

type Postmaster = ChildProcessByStdio<null, null, Readable> & { gone: Promise<void> };

/** Starts a server on a data folder that exists already (a base backup, a copy). stop() removes the folder. */
export async function startPostgresIn(
  dataDir: string,
  { binDir, port, settings = {} }: PostgresServerOptions,
): Promise<PostgresServer> {
  const first = port === undefined ? await startOnFreePort(binDir, dataDir, settings) : undefined;
  const ownPort = first?.port ?? port ?? 0;
  const start = () => startPostmaster(binDir, dataDir, ownPort, settings);
  const url = (database = 'postgres') =>
    `postgres://postgres@127.0.0.1:${ownPort}/${encodeURIComponent(database)}`;
  let postmaster = first?.postmaster ?? (await start());
  const kill = async (signal: NodeJS.Signals) => {
    postmaster.kill(signal);
    await postmaster.gone;
  };
  return {
    binDir,
    dataDir,
    port: ownPort,
    url,
    kill,
    createDatabase: async (name, template = 'template1') => {
      await createDatabase(url(), name, template);
      return url(name);
    },
    stop: async () => {
      await kill('SIGQUIT');
      await rm(dataDir, { recursive: true, force: true });
    },
    restart: async () => {
      await kill('SIGINT');
      postmaster = await start();
    },
    run: (program, args) => runServerProgram(binDir, program, args),
  };
}

// Between the finding of a free port and the server's start another test may take it.
async function startOnFreePort(
  binDir: string,
  dataDir: string,
  settings: Record<string, string>,
  attempts = 3,
): Promise<{ port: number; postmaster: Postmaster }> {
  const port = await findFreePort();
  try {
    return { port, postmaster: await startPostmaster(binDir, dataDir, port, settings) };
  } catch (error) {
    if (attempts === 1 || !String(error).includes('could not bind')) throw error;
    return startOnFreePort(binDir, dataDir, settings, attempts - 1);
  }
}

async function startPostmaster(
  binDir: string,
  dataDir: string,
  port: number,
  settings: Record<string, string>,
): Promise<Postmaster> {
  const defaults = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    timezone: 'UTC',
  };
  const all = Object.entries({ ...defaults, ...settings }).flatMap(([name, value]) => [
    '-c',
    `${name}=${value}`,
  ]);
  const child = spawn(join(binDir, 'postgres'), ['-D', dataDir, '-p', String(port), ...all], {
    ...serverUser(),
    cwd: '/',
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stopWithTests = () => child.kill('SIGQUIT');
  process.once('exit', stopWithTests);
  // 'close' and not 'exit': every backend holds stderr, so it closes when the last of them has gone. Until
  // then the data folder cannot be started again.
  const gone = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const postmaster = Object.assign(child, { gone });
  await waitUntilReady(postmaster);
  void gone.then(() => process.removeListener('exit', stopWithTests));
  return postmaster;
}

function waitUntilReady(postmaster: Postmaster): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    postmaster.stderr.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4000);
      if (/ready to accept/.test(log)) resolve();
    });
    postmaster.once('error', reject);
    void postmaster.gone.then(() => reject(new Error(`postgres did not start:\n${log}`)));
  });
}

async function createDatabase(url: string, name: string, template: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      `create database ${client.escapeIdentifier(name)} template ${client.escapeIdentifier(template)}`,
    );
  } finally {
    await client.end();
  }
}

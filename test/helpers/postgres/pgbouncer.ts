import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findFreePort } from '../network/free-port.ts';
import { serverUser } from './postgres-binaries.ts';
import { makeServerFolder } from './temporary-postgres.ts';

/** A connection pooler before a server. */
export interface Pgbouncer {
  /** Of a database behind it. */
  url(database: string): string;
  stop(): Promise<void>;
}

const programs = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'];

/** Where the machine has the program; undefined where it has not. */
export const findPgbouncer = (): string | undefined => programs.find((path) => existsSync(path));

/** Starts a pooler in transaction mode that has one connection to each database of the server. */
export async function startPgbouncer(program: string, serverPort: number): Promise<Pgbouncer> {
  const folder = await makeServerFolder();
  const port = await findFreePort();
  const config = join(folder, 'pgbouncer.ini');
  await writeFile(
    config,
    `[databases]
* = host=127.0.0.1 port=${serverPort} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 1
max_client_conn = 200
`,
    { mode: 0o644 },
  );
  const child = spawn(program, [config], { ...serverUser(), cwd: '/', stdio: ['ignore', 'ignore', 'pipe'] });
  const stopWithTests = () => child.kill('SIGKILL');
  process.once('exit', stopWithTests);
  await untilUp(child);
  return {
    url: (database) => `postgres://postgres@127.0.0.1:${port}/${database}`,
    stop: async () => {
      const gone = new Promise((resolve) => child.once('close', resolve));
      child.kill('SIGKILL');
      await gone;
      process.removeListener('exit', stopWithTests);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function untilUp(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-4000);
      if (log.includes('process up')) resolve();
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`pgbouncer did not start:\n${log}`)));
  });
}

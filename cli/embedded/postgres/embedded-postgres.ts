import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type Binaries, findBinaries } from './binaries.ts';
import { clusterPath, hasCluster, makeCluster } from './cluster.ts';
import {
  type Credentials,
  makeCredentials,
  type RoleCredentials,
  readCredentials,
  writeCredentials,
} from './credentials.ts';
import { stopOrphan } from './orphan.ts';
import { endPostmaster, type Postmaster, spawnPostmaster } from './postmaster.ts';
import { provision } from './provision.ts';
import { assertReachable, makeReachableFolder } from './reachable.ts';
import { waitUntilReady } from './ready.ts';
import { explainFileFailure } from './server-program.ts';
import { findServerUser, type ServerUser } from './server-user.ts';

/** A running server with the databases `shop` (the source) and `warehouse`, on 127.0.0.1. */
export interface EmbeddedPostgres {
  port: number;
  /** The source, as its owner: for the sample shop. */
  sourceUrl: string;
  /** The source, as a role that may only read: for the services. */
  readerUrl: string;
  /** The warehouse, as its owner. */
  warehouseUrl: string;
  /** Any database of the cluster, as the superuser. */
  adminUrl(database: string): string;
  /** Resolves when the server has ended, by stop() or by itself. */
  ended: Promise<void>;
  /** Ends the server, within 10 s even when it hangs. */
  stop(): Promise<void>;
}

interface ServerOptions {
  binaries: Binaries;
  user: ServerUser;
  onLog: (line: string) => void;
}

/**
 * Starts the embedded Postgres of a data folder, made on first use (cluster in `<dataDir>/postgres`,
 * passwords in `<dataDir>/postgres.json`), on a free port.
 *
 * A server that outlived its killed starter is stopped first: the caller must hold the folder's lock.
 *
 * @param options.onLog gets each line of the server's log
 * @throws {StackError} one line that names the folder and what is wrong with it
 */
export async function startEmbeddedPostgres(options: {
  dataDir: string;
  onLog?: (line: string) => void;
}): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  try {
    const server = await prepare(dataDir, options.onLog ?? (() => {}));
    const credentials = await openCluster(dataDir, server);
    const postmaster = await startServer(clusterPath(dataDir), credentials, server);
    return describe(postmaster, credentials);
  } catch (error) {
    throw explainFileFailure(dataDir, error);
  }
}

async function prepare(dataDir: string, onLog: (line: string) => void): Promise<ServerOptions> {
  const binaries = findBinaries();
  const user = await findServerUser(clusterPath(dataDir));
  await assertReachable(user, dataDir, binaries.initdb);
  await makeReachableFolder(user, dataDir);
  return { binaries, user, onLog };
}

async function openCluster(dataDir: string, server: ServerOptions): Promise<Credentials> {
  const clusterDir = clusterPath(dataDir);
  if (!(await hasCluster(dataDir))) await makeCluster(dataDir, server);
  else await stopOrphan(clusterDir);
  const credentials = await readCredentials(dataDir);
  if (credentials !== undefined) return credentials;
  const fresh = makeCredentials();
  await provision(clusterDir, fresh, { ...server, isNew: false });
  await writeCredentials(dataDir, fresh);
  return fresh;
}

async function startServer(
  clusterDir: string,
  credentials: Credentials,
  server: ServerOptions,
): Promise<Postmaster> {
  for (let attempt = 1; ; attempt++) {
    const postmaster = await spawnPostmaster(clusterDir, server);
    try {
      await waitUntilReady(
        postmaster,
        makeUrl(postmaster.port, credentials.starlift, 'postgres'),
        clusterDir,
      );
      return postmaster;
    } catch (error) {
      await end(postmaster);
      if (attempt === 20 || !passesByItself(postmaster.output)) throw error;
      await delay(100);
    }
  }
}

/** Another process took the port first; or backends of a postmaster killed by force have not ended yet. */
function passesByItself(output: readonly string[]): boolean {
  return output.some((line) => /could not create any TCP\/IP sockets|pre-existing shared memory/.test(line));
}

function describe(
  postmaster: Postmaster,
  { starlift, source, reader, warehouse }: Credentials,
): EmbeddedPostgres {
  const { port } = postmaster;
  return {
    port,
    sourceUrl: makeUrl(port, source, source.role),
    readerUrl: makeUrl(port, reader, source.role),
    warehouseUrl: makeUrl(port, warehouse, warehouse.role),
    adminUrl: (database) => makeUrl(port, starlift, database),
    ended: postmaster.ended,
    stop: () => end(postmaster),
  };
}

function makeUrl(port: number, { role, password }: RoleCredentials, database: string): string {
  // It has no TLS, and whatever PGSSLMODE says is about other servers.
  return `postgres://${role}:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}?sslmode=disable`;
}

async function end(postmaster: Postmaster): Promise<void> {
  if (postmaster.hasEnded()) return;
  await endPostmaster(postmaster.signal, (timeoutMs) =>
    Promise.race([
      postmaster.ended.then(() => true),
      delay(timeoutMs, undefined, { ref: false }).then(() => postmaster.hasEnded()),
    ]),
  );
}

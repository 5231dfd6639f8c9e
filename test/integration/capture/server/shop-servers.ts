import { startCopy } from '../../../helpers/postgres/installed-postgres.ts';
import type { PostgresServer } from '../../../helpers/postgres/temporary-postgres.ts';
import { attachCaptureBench, type CaptureBench, makeCaptureBench } from '../capture-bench.ts';

const servers: PostgresServer[] = [];
const benches: CaptureBench[] = [];

/** A later bench over the same bucket: what stands behind the source's address now. */
export async function attach(server: PostgresServer, bench: CaptureBench): Promise<CaptureBench> {
  const attached = await attachCaptureBench(server.url('shop'), bench.store);
  benches.push(attached);
  return attached;
}

/** A server with a shop of two items in it. */
export async function startShop(start: Promise<PostgresServer>): Promise<[PostgresServer, CaptureBench]> {
  const server = await start;
  servers.push(server);
  const bench = await makeCaptureBench(await server.createDatabase('shop'));
  benches.push(bench);
  await bench.source.query(`insert into item values (1, 'a'), (2, 'b')`);
  return [server, bench];
}

/** See startCopy; stopped by endAll. */
export async function copyOf(
  server: PostgresServer,
  kind: 'backup' | 'standby',
  settings: Record<string, string> = {},
): Promise<PostgresServer> {
  const copy = await startCopy(server, kind, settings);
  servers.push(copy);
  return copy;
}

/** Stops the servers and ends the benches that the functions above have made. */
export async function endAll(): Promise<void> {
  await Promise.all(benches.splice(0).map((bench) => bench.end()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
}

import type { Binaries } from './binaries.ts';
import type { Credentials } from './credentials.ts';
import { explainServerFailure, runServerProgram } from './server-program.ts';
import type { ServerUser } from './server-user.ts';
import { settingArguments } from './settings.ts';

/**
 * Gives a cluster its roles, passwords and databases, or what is missing of them. The server must not run.
 *
 * It speaks to the server's single-user mode, which asks for no password: so none ever stands in a file for
 * initdb, and new passwords repair a lost postgres.json.
 *
 * @param isNew the cluster was made just now, and is lost without regret
 * @throws {StackError} a statement failed, or the cluster cannot be opened
 */
export async function provision(
  clusterDir: string,
  credentials: Credentials,
  { binaries, user, isNew }: { binaries: Binaries; user: ServerUser; isNew: boolean },
): Promise<void> {
  const what = `Postgres could not set up ${clusterDir}`;
  // Two new databases are 600 files; to sync each takes seconds, and a new cluster has nothing to lose yet.
  const sync = isNew ? ['-c', 'fsync=off'] : [];
  const args = ['--single', '-D', clusterDir, ...settingArguments(), ...sync, 'postgres'];
  const stdin = `${statements(credentials).join('\n')}\n`;
  const output = await runServerProgram(what, binaries.postgres, args, { user, stdin });
  // Single-user mode goes on after an error, and ends with code 0.
  const failed = output.filter(
    (line) => /(ERROR|FATAL|PANIC): /.test(line) && !line.includes('already exists'),
  );
  if (failed.length > 0) throw explainServerFailure(what, failed);
}

// Single-user mode takes a line as a statement.
function statements(credentials: Credentials): string[] {
  const [source, reader, warehouse] = [
    credentials.source.role,
    credentials.reader.role,
    credentials.warehouse.role,
  ];
  const all = Object.values(credentials);
  return [
    ...all.map(({ role }) => `create role ${role} login`),
    ...all.map(({ role, password }) => `alter role ${role} password '${password}'`),
    `create database ${source} owner ${source}`,
    `create database ${warehouse} owner ${warehouse}`,
    // By default every role may connect to every database.
    `revoke connect, temporary on database ${source}, ${warehouse} from public`,
    `grant connect on database ${source} to ${reader}`,
    // All present and future tables, whoever makes them; there is nothing else that this role can connect to.
    `grant pg_read_all_data to ${reader}`,
  ];
}

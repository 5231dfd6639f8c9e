import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { readStackFile } from '../../../cli/embedded/machine/data-folder.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { finished } from '../../helpers/processes/starlift.ts';
import { seen } from '../../helpers/seen.ts';
import { ask, assertExact, makeDataFolder, makeShop, type Road, removeFolder, runClean } from '../road.ts';

const program = fileURLToPath(new URL('../../../cli/starlift.js', import.meta.url));
/** Makes Node say that it is an older one, for the program to look for another. */
const beOlder = `data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '20.11.0' })`;

/** As npm does: a shell that outlives it, and the program in that. */
const spawnShell = `require('node:child_process').spawn(
  'sh', ['-c', '"$0" "$@"; exit $?', ...process.argv.slice(1)], { stdio: 'inherit' })`;

/** Whether nothing has this process id any more. */
function hasEnded(pid: number): boolean {
  try {
    return !process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

describe('starlift that another process has started', () => {
  let server: PostgresServer;
  let folder: string;
  let road: Road;
  let child: ChildProcess | undefined;
  beforeAll(async () => {
    server = await startTemporaryPostgres({});
    folder = await makeDataFolder();
    const source = await makeShop(server, 'shop', 50);
    road = { source, warehouse: await server.createDatabase('warehouse'), data: join(folder, 'data') };
  });
  afterEach(() => {
    child?.kill('SIGKILL');
  });
  afterAll(async () => {
    await server.stop();
    await removeFolder(folder);
  });

  const start = (command: string, args: string[], env: Record<string, string> = {}): ChildProcess => {
    const { source, warehouse, data } = road;
    const databases = ['--source', source, '--warehouse', warehouse, '--data', data];
    return spawn(command, [...args, 'run', '--watch', '--every', '1', ...databases], {
      env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
  };
  const startUnderOlderNode = () => start(process.execPath, ['--import', beOlder, program]);
  const startAsNpmDoes = () =>
    start(process.execPath, ['-e', spawnShell, '--', process.execPath, program], {
      npm_lifecycle_event: 'start',
    });
  const hasStaff = async () => (await ask(road.warehouse, 'select 1 from dim_staff')).length > 0;

  it.each([
    ['an older Node', startUnderOlderNode],
    ['npm', startAsNpmDoes],
  ])('ends with %s that is killed, and the next run carries on at once', async (_, startIt) => {
    child = startIt();
    const ended = finished(child);
    await seen(() => readStackFile(road.data) !== undefined);
    const working = readStackFile(road.data)?.pid ?? 0;
    expect(working).not.toBe(child.pid);
    child.kill('SIGKILL');
    await ended;
    await runClean(road);
    // It has let go of the folder; one that has ended has its id until the system has taken note.
    await seen(() => hasEnded(working));
    await assertExact(road);
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('gets %s from an older Node, and ends cleanly', async (signal) => {
    child = startUnderOlderNode();
    const ended = finished(child);
    await seen(() => readStackFile(road.data) !== undefined);
    await seen(hasStaff);
    child.kill(signal);
    expect(await ended).toMatchObject({ code: 0, stdout: expect.stringContaining('Stopped watching.') });
  });

  it('ends cleanly where all of its processes get the signal', async () => {
    child = startUnderOlderNode();
    const ended = finished(child);
    await seen(() => readStackFile(road.data) !== undefined);
    await seen(hasStaff);
    process.kill(-(child.pid ?? 0), 'SIGTERM');
    expect(await ended).toMatchObject({ code: 0, stdout: expect.stringContaining('Stopped watching.') });
  });
});

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import { starlift } from '../../helpers/processes/starlift.ts';
import { seen, seenRow } from '../../helpers/seen.ts';
import { ask, makeDataFolder, removeFolder } from '../road.ts';
import { startRun, startWatch, type Watch } from '../watch.ts';

const zones = { ingested: '.ndjson.zst', processed: '.parquet' } as const;

describe('a run that is killed', () => {
  let folder: string;
  let data: string;
  let current: Watch | undefined;
  /** Worker processes of the killed ones. */
  const orphans: number[] = [];
  beforeAll(async () => {
    folder = await makeDataFolder();
    data = join(folder, 'data');
  });
  afterAll(async () => {
    await current?.end();
    // Whatever a failed test has left: a server on our own folder.
    for (const [pid] of processesOf(data)) process.kill(pid, 'SIGKILL');
    await removeFolder(folder);
  });

  const files = (path: string): string[] => {
    try {
      return readdirSync(join(data, path), { recursive: path !== '.' }).map(String);
    } catch {
      return [];
    }
  };
  const objects = (zone: keyof typeof zones) =>
    files(`zones/${zone}`).filter((name) => name.endsWith(zones[zone])).length;
  const warehouseUrl = (): string => JSON.parse(readFileSync(join(data, 'stack.json'), 'utf8')).warehouseUrl;
  const loadedObjects = async () =>
    Number((await ask(warehouseUrl(), 'select count(*) from starlift.object'))[0]?.[0]);
  const seenLoaded = (before: number) =>
    seenRow(warehouseUrl, `select from starlift.object having count(*) > ${before}`);

  async function killWhen(run: Watch, isTime: () => Promise<void>): Promise<void> {
    current = run;
    await isTime();
    orphans.push(...childrenOf(run.pid));
    expect(await run.end('SIGKILL')).toMatchObject({ code: null });
  }

  it('carries on after kill -9 while its databases are made', async () => {
    await killWhen(startRun(['--data', data]), () =>
      seen(() => files('.').some((name) => name.startsWith('postgres.new-'))),
    );
    expect(files('.')).not.toContain('postgres');
  });

  it('carries on after kill -9 while the shop is filled', async () => {
    await killWhen(startRun(['--data', data]), () => seen(() => files('.').includes('stack.json')));
  });

  it('carries on after kill -9 at the first extracted object', async () => {
    await killWhen(startRun(['--data', data]), () => seen(() => objects('ingested') > 0));
  });

  it('carries on after kill -9 at the first transformed object', async () => {
    await killWhen(startRun(['--data', data]), () => seen(() => objects('processed') > 0));
  });

  it('carries on after kill -9 at the first loaded object', async () => {
    await killWhen(startRun(['--data', data]), () => seenLoaded(0));
    expect(objects('processed')).toBeGreaterThan(0);
  });

  it('loads in the end all of the shop, exactly, and says that it carries on', async () => {
    await killWhen(startRun(['--data', data]), () => seen(() => objects('ingested') > 0));
    const last = await starlift(['run', '--data', data]);
    expect(last).toMatchObject({ code: 0, stdout: expect.stringContaining('carrying on') });
    expect(last.stdout).toContain('All loaded: ');
    expect(await runCommand(['verify', '--data', data])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The warehouse is exact: it has every row'),
    });
    const counted = await starlift([
      'sql',
      '--data',
      data,
      '--json',
      'select count(*) from fact_sales_order',
    ]);
    expect(JSON.parse(counted.stdout).rows).toEqual([['5000']]);
  });

  it('carries on after kill -9 in the middle of changes', async () => {
    const watch = startWatch(['--data', data, '--every', '0.2']);
    current = watch;
    await seen(() => watch.output().includes('Watching'));
    const before = await loadedObjects();
    await killWhen(watch, () => seenLoaded(before + 2));
    expect(await runCommand(['run', '--data', data])).toMatchObject({ code: 0 });
    expect(await runCommand(['verify', '--data', data])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The warehouse is exact: it has every row'),
    });
  });

  it('ends by itself when its Postgres is killed, says so, and carries on the next time', async () => {
    const watch = startWatch(['--data', data, '--every', '0.2']);
    current = watch;
    await seen(() => watch.output().includes('Watching'));
    const before = await loadedObjects();
    await seenLoaded(before);
    process.kill(
      Number(readFileSync(join(data, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]),
      'SIGKILL',
    );
    const { code, stderr } = await watch.ended;
    expect(stderr).toBe('starlift: the embedded Postgres has ended; run again to carry on\n');
    expect(code).toBe(1);
    expect(await runCommand(['run', '--data', data])).toMatchObject({ code: 0 });
    expect(await runCommand(['verify', '--data', data])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The warehouse is exact: it has every row'),
    });
  });

  it('leaves no server and no worker behind', async () => {
    await killWhen(startRun(['--data', data]), () => seen(() => objects('ingested') > 0));
    expect(await starlift(['run', '--data', data])).toMatchObject({ code: 0 });
    await seen(() => orphans.every((pid) => !isAlive(pid)));
    expect(orphans.length).toBeGreaterThan(0);
    expect(processesOf(data)).toEqual([]);
  });
});

const listProcesses = (): [pid: number, parent: number, args: string][] =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line))
    .flatMap((match) => (match === null || match[3]?.startsWith('Z') ? [] : [match]))
    .map(([, pid, parent, , args = '']) => [Number(pid), Number(parent), args]);

const processesOf = (data: string) => listProcesses().filter(([, , args]) => args.includes(data));

/** Its workers; the server is another process group's, and the next run's to stop. */
const childrenOf = (pid: number): number[] =>
  listProcesses()
    .filter(([, parent, args]) => parent === pid && args.includes('worker'))
    .map(([child]) => child);

const isAlive = (pid: number): boolean => listProcesses().some(([other]) => other === pid);

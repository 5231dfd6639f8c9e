import { execFileSync } from 'node:child_process';
import { rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { isLong } from '../../helpers/jest/long-form.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { runCommand } from '../../helpers/processes/inline-command.ts';
import { type CommandResult, finished, spawnStarlift, starlift } from '../../helpers/processes/starlift.ts';
import {
  ask,
  assertExact,
  makeDataFolder,
  makeShop,
  optionsOf,
  type Road,
  removeFolder,
  runClean,
  runRoad,
} from '../road.ts';

// Whole runs in processes of their own, and the machine may be busy.
jest.setTimeout(300_000);

const mayMount = process.platform === 'linux' && process.getuid?.() === 0 && canMount();
if (!mayMount) {
  process.stderr.write('\nNOT TESTED: a full disk. A file system of its own cannot be mounted here.\n\n');
}
const describeWithDisk = mayMount ? describe : describe.skip;

function canMount(): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'none', '/mnt'], { stdio: 'pipe' });
    execFileSync('umount', ['/mnt'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

/** A small disk, and a file on it that takes what room there is. */
class Disk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async mount(size: string): Promise<Disk> {
    const path = await makeDataFolder();
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=711`, 'none', path]);
    return new Disk(path);
  }

  /** Leaves so much room. */
  async fill(leftKiB: number): Promise<void> {
    const { bavail, bsize } = await statfs(this.path);
    await writeFile(this.#ballast, Buffer.alloc(Math.max(0, bavail * bsize - leftKiB * 1024)));
  }

  makeRoom = (): Promise<void> => rm(this.#ballast, { force: true });

  async unmount(): Promise<void> {
    execFileSync('umount', ['--lazy', this.path]);
    await removeFolder(this.path);
  }

  get #ballast(): string {
    return join(this.path, 'ballast');
  }
}

const saysSo = (data: string) => new RegExp(`the disk of ${data} is full: make room there, and run again`);

function expectOneLine({ code, stderr }: CommandResult, data: string): void {
  expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(saysSo(data))]);
  expect(code).toBe(1);
}

describeWithDisk("a data folder whose disk is full, between databases of the user's own", () => {
  let server: PostgresServer;
  let disk: Disk;
  let road: Road;
  let round = 0;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    await makeShop(server, 'template', 300);
  });
  afterAll(() => server.stop());
  beforeEach(async () => {
    round += 1;
    disk = await Disk.mount('32m');
    road = {
      source: await server.createDatabase(`shop_${round}`, 'template'),
      warehouse: await server.createDatabase(`warehouse_${round}`),
      data: join(disk.path, 'data'),
    };
  });
  afterEach(() => disk.unmount());

  const makeRoomAndRun = async () => {
    await disk.makeRoom();
    await runClean(road);
    await assertExact(road);
  };

  // The lock, the queues, their log, the objects: each is the first that finds no room at some size.
  it.each(isLong ? [0, 16, 64, 200, 280, 360, 480, 640, 800] : [0, 280, 640])(
    'ends a first run with one line where %i KiB are left, and the next one is exact',
    async (leftKiB) => {
      await disk.fill(leftKiB);
      expectOneLine(await runRoad(road), road.data);
      await makeRoomAndRun();
    },
  );

  it.each(isLong ? [0, 32, 64, 128] : [64])(
    'ends a later run with one line where %i KiB are left, and the next one is exact',
    async (leftKiB) => {
      await runClean(road);
      await ask(road.source, 'update sales_order set units_sold = units_sold + 1, last_updated = now()');
      await disk.fill(leftKiB);
      expectOneLine(await runRoad(road), road.data);
      await makeRoomAndRun();
    },
  );

  it('ends a watch with one line at any step, and the next run is exact', async () => {
    await runClean(road);
    const named = optionsOf(road);
    const watch = spawnStarlift(['run', ...named, '--watch', '--every', '0.2']);
    const ended = finished(watch);
    try {
      const watching = new Promise((resolve) => {
        watch.stdout?.on('data', (text) => /Watching/.test(text) && resolve(undefined));
      });
      await Promise.race([watching, ended]);
      await disk.fill(0);
      await ask(road.source, 'update sales_order set units_sold = units_sold + 1, last_updated = now()');
      const { code, stdout, stderr } = await ended;
      expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(saysSo(road.data))]);
      expect(stdout).not.toMatch(/ENOSPC|disk|Error/);
      expect(code).toBe(1);
    } finally {
      watch.kill('SIGKILL');
    }
    await makeRoomAndRun();
  });
});

describeWithDisk('a data folder with the embedded databases whose disk is full', () => {
  let disk: Disk;
  let data: string;
  beforeEach(async () => {
    disk = await Disk.mount('300m');
    data = join(disk.path, 'data');
  });
  afterEach(() => disk.unmount());

  const run = () => runCommand(['run', '--data', data, '--json']);

  it('ends the making of the databases with one line, and the next run makes them', async () => {
    await disk.fill(20 * 1024);
    const { code, stderr } = await run();
    expect({ code, last: stderr.trimEnd().split('\n').at(-1) }).toEqual({
      code: 1,
      last: expect.stringMatching(saysSo(data)),
    });
    await disk.makeRoom();
    expect(await run()).toMatchObject({ code: 0 });
    expect(await runCommand(['verify', '--data', data])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The warehouse is exact: it has every row'),
    });
  });

  it('ends a later run with one line, and the next one is exact', async () => {
    expect(await run()).toMatchObject({ code: 0 });
    const edits = `
      update sales_order set units_sold = units_sold + 1, last_updated = localtimestamp;
      update payment set paid = not paid, last_updated = localtimestamp`;
    expect(await starlift(['sql', '--source', '--write', '--data', data], {}, `${edits};`)).toMatchObject({
      code: 0,
    });
    await disk.fill(100);
    expectOneLine(await run(), data);
    await disk.makeRoom();
    expect(await run()).toMatchObject({ code: 0 });
    expect(await runCommand(['verify', '--data', data])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('The warehouse is exact: it has every row'),
    });
  });
});

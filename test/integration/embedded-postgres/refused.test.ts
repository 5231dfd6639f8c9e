import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { StackError } from '../../../cli/embedded/machine/stack-error.ts';
import { makeDataFolder, withServer } from './data-folder.ts';

const isRoot = process.getuid?.() === 0;
const mounts = canMount();
const embeddedPostgresModule = new URL('../../../cli/embedded/postgres/embedded-postgres.ts', import.meta.url)
  .href;

describe('a data folder that cannot be used is named in one line', () => {
  let folder: Awaited<ReturnType<typeof makeDataFolder>>;
  let clusterDir: string;
  beforeEach(async () => {
    folder = await makeDataFolder();
    clusterDir = join(folder.dataDir, 'postgres');
  });
  afterEach(() => folder.remove());

  it('of another major version', async () => {
    await mkdir(clusterDir, { recursive: true });
    await writeFile(join(clusterDir, 'PG_VERSION'), '15\n');
    expect((await refusal(folder.dataDir)).message).toMatch(/data\/postgres is of Postgres 15, this is 18/);
  });

  it('that is not a Postgres data folder', async () => {
    await mkdir(clusterDir, { recursive: true });
    await writeFile(join(clusterDir, 'notes.txt'), 'mine');
    expect((await refusal(folder.dataDir)).message).toContain(`${clusterDir} is not a Postgres data folder`);
    expect(await readdir(clusterDir)).toEqual(['notes.txt']);
  });

  it('that is a file', async () => {
    await writeFile(folder.dataDir, '');
    expect((await refusal(folder.dataDir)).message).toMatch(/cannot write to .*data: a file stands where/);
    expect((await refusal(join(folder.dataDir, 'below'))).message).toMatch(/a file stands where/);
  });

  const whenRoot = isRoot ? it : it.skip;
  whenRoot('below a folder of mode 0700, before anything is written', async () => {
    const home = join(folder.parent, 'home');
    await mkdir(join(home, 'project'), { recursive: true });
    await chmod(home, 0o700);
    expect((await refusal(join(home, 'project', '.starlift'))).message).toBe(
      `Postgres does not run as root, and its OS user (uid ${postgresUid()}) may not enter ${home}: ` +
        `choose a folder outside it with --data, or run: chmod o+x ${home}`,
    );
    expect(await readdir(join(home, 'project'))).toEqual([]);
  });

  const whenMounting = mounts ? it : it.skip;
  whenRoot('that another user owns, or may not write to', async () => {
    const asPostgres = (dataDir: string) => {
      const script = `const { startEmbeddedPostgres } = await import(process.argv[1]);
        await startEmbeddedPostgres({ dataDir: process.argv[2] }).catch((error) => {
          console.log(error.name, error.message);
        });`;
      const args = ['--input-type=module', '-e', script, embeddedPostgresModule, dataDir];
      const options = { uid: postgresUid(), cwd: '/', encoding: 'utf8' } as const;
      return execFileSync(process.execPath, args, options);
    };
    expect(asPostgres(folder.dataDir)).toBe(
      `StackError cannot write to ${folder.dataDir}: permission denied\n`,
    );
    await mkdir(clusterDir, { recursive: true });
    expect(asPostgres(folder.dataDir)).toMatch(
      /StackError .*data\/postgres belongs to another user \(uid 0, not/,
    );
  });

  whenMounting('on a read-only file system', async () => {
    await onTmpfs(folder.parent, 'size=1m', async (mounted) => {
      execFileSync('mount', ['-o', 'remount,ro', mounted]);
      expect((await refusal(join(mounted, 'data'))).message).toMatch(
        /cannot write to .*: the file system is read-only/,
      );
    });
  });

  whenMounting(
    'on a full disk, with nothing left behind',
    async () => {
      await onTmpfs(folder.parent, 'size=8m', async (mounted) => {
        const dataDir = join(mounted, 'data');
        expect((await refusal(dataDir)).message).toMatch(
          /Postgres could not make .*data\/postgres.*: the disk is full/,
        );
        expect(await readdir(dataDir)).toEqual([]);
      });
    },
    60_000,
  );
});

describe('a cluster that cannot be used is named in one line', () => {
  let folder: Awaited<ReturnType<typeof makeDataFolder>>;
  let passwords: string;
  beforeAll(async () => {
    folder = await makeDataFolder();
    passwords = join(folder.dataDir, 'postgres.json');
    await withServer(folder.dataDir, async () => {});
  });
  afterAll(() => folder.remove());

  it('whose passwords are others', async () => {
    const right = await readFile(passwords);
    const wrong = { starlift: 'a', shop: 'b', shop_reader: 'c', warehouse: 'd' };
    await writeFile(passwords, JSON.stringify(wrong));
    expect((await refusal(folder.dataDir)).message).toContain(`the passwords in ${passwords} are not those`);
    await writeFile(passwords, right);
  });

  it('whose password file is damaged', async () => {
    const right = await readFile(passwords);
    await writeFile(passwords, '{"starlift":');
    expect((await refusal(folder.dataDir)).message).toMatch(/postgres\.json is damaged: remove it/);
    await writeFile(passwords, right);
  });

  it('whose control file is cut off', async () => {
    await truncate(join(folder.dataDir, 'postgres', 'global', 'pg_control'), 10);
    expect((await refusal(folder.dataDir)).message).toMatch(
      /could not start in .*data\/postgres: .*pg_control/,
    );
  });
});

async function refusal(dataDir: string): Promise<StackError> {
  const error = await withServer(dataDir, async () => undefined).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(StackError);
  expect((error as StackError).message).not.toContain('\n');
  expect((error as StackError).exitCode).toBe(2);
  return error as StackError;
}

async function onTmpfs(parent: string, size: string, use: (mounted: string) => Promise<void>): Promise<void> {
  const mounted = join(parent, 'mounted');
  await mkdir(mounted);
  execFileSync('mount', ['-t', 'tmpfs', '-o', `${size},mode=755`, 'tmpfs', mounted]);
  try {
    await use(mounted);
  } finally {
    execFileSync('umount', ['--lazy', mounted]);
  }
}

function canMount(): boolean {
  try {
    execFileSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt'], { stdio: 'ignore' });
    return isRoot;
  } catch {
    process.stderr.write('No right to mount here: the read-only and the full disk are not tested.\n');
    return false;
  }
}

function postgresUid(): number {
  return Number(execFileSync('id', ['-u', 'postgres'], { encoding: 'utf8' }));
}

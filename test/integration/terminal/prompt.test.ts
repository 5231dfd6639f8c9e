import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { giveCertificate } from '../../helpers/postgres/server-certificate.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { starlift } from '../../helpers/processes/starlift.ts';
import { hasProgram, startOnTerminal, type Typed } from './pty.ts';

const program = fileURLToPath(new URL('../../../cli/starlift.js', import.meta.url));
const ctrlC = '\u0003';
const ctrlD = '\u0004';
const up = '\u001b[A';
const itOnTerminal = hasProgram('script') ? it : it.skip;

describe('starlift sql', () => {
  let server: PostgresServer;
  let folder: string;
  let env: Record<string, string>;
  let watcher: pg.Client;
  let prompt: Typed | undefined;
  beforeAll(async () => {
    server = await startTemporaryPostgres({});
    folder = await mkdtemp(join(tmpdir(), 'prompt-'));
    const warehouse = await server.createDatabase('star');
    env = { SOURCE_URL: server.url(), WAREHOUSE_URL: warehouse, HOME: folder, XDG_STATE_HOME: '' };
    watcher = new pg.Client(warehouse);
    await watcher.connect();
    await watcher.query('create table dim_staff (staff_id int primary key, email text)');
    await watcher.query("insert into dim_staff values (1, 'a@b.c'), (2, repeat('long ', 30))");
  });
  afterEach(() => prompt?.kill());
  afterAll(async () => {
    await watcher?.end();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function startPrompt(options = '', columns = 80): Promise<Typed> {
    prompt = startOnTerminal(`'${process.execPath}' '${program}' sql ${options}`, env, columns, folder);
    await prompt.shown('star=> ');
    return prompt;
  }
  const isAtWork = async (query: string): Promise<boolean> => {
    const asked = `select from pg_stat_activity where query = $1 and state = 'active' and pid <> pg_backend_pid()`;
    return (await watcher.query(asked, [query])).rows.length > 0;
  };
  const until = async (condition: () => Promise<boolean>) => {
    for (const deadline = Date.now() + 30_000; !(await condition()); ) {
      if (Date.now() > deadline) throw new Error('it has not come to that');
    }
  };

  describe('at a prompt', () => {
    itOnTerminal('cancels a statement by Ctrl-C on the server, and asks for the next', async () => {
      const typed = await startPrompt();
      typed.type('select pg_sleep(100);\r');
      await until(() => isAtWork('select pg_sleep(100)'));
      typed.type(ctrlC);
      await typed.shown('canceling statement due to user request');
      await typed.shown('star=> ');
      expect(await isAtWork('select pg_sleep(100)')).toBe(false);
      typed.type('select 6 * 7 as answer;\r');
      await typed.shown(/ answer \n-+\n +42\n/);
    });

    itOnTerminal('drops by Ctrl-C what was typed, over several lines too', async () => {
      const typed = await startPrompt();
      typed.type('select 1,\r');
      await typed.shown('star-> ');
      typed.type(`'half${ctrlC}`);
      await typed.shown('^C');
      await typed.shown('star=> ');
      typed.type("select 'whole' as word;\r");
      await typed.shown(/ word {2}\n-+\n whole\n/);
    });

    itOnTerminal.each([
      ['Ctrl-D', ctrlD],
      ['\\q', '\\q\r'],
    ])('ends by %s, with exit code 0', async (_, keys) => {
      const typed = await startPrompt();
      typed.type(keys);
      expect(await typed.ended).toBe(0);
    });

    itOnTerminal('says that it is read-only, and how it is not', async () => {
      const typed = await startPrompt();
      typed.type('delete from dim_staff;\r');
      const refused = await typed.shown('change data)');
      expect(refused.replaceAll(/\s+/g, ' ')).toContain(
        'starlift: the session is read-only: cannot execute DELETE in a read-only transaction ' +
          '(starlift sql --write lets statements change data)',
      );
      expect((await watcher.query('select from dim_staff')).rows).toHaveLength(2);
    });

    itOnTerminal('writes with --write, and shows a transaction that is open', async () => {
      const typed = await startPrompt('--write');
      typed.type("begin;\rinsert into dim_staff values (3, 'x');\r");
      await typed.shown('star=*> ');
      await typed.shown('INSERT 1');
      typed.type('select nope;\r');
      await typed.shown('star=!> ');
      typed.type('rollback;\r');
      await typed.shown('star=> ');
    });

    itOnTerminal.each([60, 80, 200])(
      'shows a table that fits %d columns, else its rows on their side',
      async (columns) => {
        const typed = await startPrompt('', columns);
        typed.type('select * from dim_staff;\r');
        if (columns === 200) await typed.shown(/ staff_id \| +email +\n/);
        else await typed.shown(/-\[ RECORD 1 \][-+]+\nstaff_id \| 1\nemail {4}\| a@b\.c\n/);
        await typed.shown('star=> ');
      },
    );

    itOnTerminal('shows \\? and describes tables', async () => {
      const typed = await startPrompt();
      typed.type('\\?\r');
      await typed.shown(/\\dt \[NAME\] +lists tables\n/);
      typed.type('\\d dim_staff\r');
      await typed.shown('dim_staff_pkey primary key, btree (staff_id)');
    });

    itOnTerminal('has the statements of earlier sessions, which nobody else can read', async () => {
      const first = await startPrompt();
      first.type('select 4711 as earlier;\r');
      await first.shown(' 4711\n');
      first.type('\\q\r');
      await first.ended;
      const file = join(folder, '.local', 'state', 'starlift', 'sql_history');
      expect(await readFile(file, 'utf8')).toContain('select 4711 as earlier;\n');
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      const second = await startPrompt();
      second.type(`${up}${up}`);
      await second.shown('4711');
      second.type('\r');
      await second.shown(/ earlier \n-+\n +4711\n/);
    });
  });

  it('takes commands and statements from a pipe, up to the first that fails', async () => {
    const piped = await starlift(
      ['sql'],
      env,
      '\\d dim_staff\nselect 1 as a;\nselect nope;\nselect 2 as b;',
      folder,
    );
    expect(piped.code).toBe(1);
    expect(piped.stdout).toMatch(/^Table "public\.dim_staff"\n[\s\S]* a \n---\n 1\n\(1 row\)\n\n$/);
    expect(piped.stderr).toBe(
      'starlift: column "nope" does not exist\nLINE 1: select nope\n               ^\n',
    );
    expect(await starlift(['sql', '\\dt dim_*'], env, undefined, folder)).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  it('finds its databases by the starlift.yml of a folder above', async () => {
    const below = join(folder, 'project', 'queries');
    await mkdir(below, { recursive: true });
    const file = join(folder, 'project', 'starlift.yml');
    await writeFile(file, `source: { url: "${server.url()}" }\nwarehouse: { url: "${env.WAREHOUSE_URL}" }\n`);
    const sql = (input: string) =>
      promisify(execFile)(process.execPath, [program, 'sql', input], {
        cwd: below,
        env: { ...process.env, HOME: folder },
      });
    expect((await sql('select current_database() as name')).stdout).toContain(' star\n');
    await writeFile(file, 'source:\n  url: x\nfreshnes: 15m\n');
    await expect(sql('select 1')).rejects.toMatchObject({
      code: 2,
      stderr: `starlift: ${file} line 3: unknown key freshnes; did you mean freshness?\n`,
    });
  });

  it('asks the source with --source', async () => {
    const query = 'select current_database() as name';
    expect((await starlift(['sql', query, '--source'], env, undefined, folder)).stdout).toContain(
      ' postgres\n',
    );
    expect((await starlift(['sql', query], env, undefined, folder)).stdout).toContain(' star\n');
  });

  it('cancels a query over TLS too', async () => {
    const secured = await startTemporaryPostgres({});
    try {
      await giveCertificate(secured);
      const settings = new pg.Client(secured.url());
      await settings.connect();
      await settings.query('alter system set ssl = on');
      await settings.query('select pg_reload_conf()');
      await settings.end();
      const url = `${secured.url()}?sslmode=require`;
      const child = startOnTerminal(
        `'${process.execPath}' '${program}' sql`,
        { ...env, WAREHOUSE_URL: url },
        80,
        folder,
      );
      await child.shown('=> ');
      child.type('select pg_sleep(100);\r');
      const looker = new pg.Client(secured.url());
      await looker.connect();
      const asleep = `select from pg_stat_activity where query = 'select pg_sleep(100)' and state = 'active'`;
      await until(async () => (await looker.query(asleep)).rows.length > 0);
      child.type(ctrlC);
      await child.shown('canceling statement due to user request');
      await looker.end();
      child.kill();
    } finally {
      await secured.stop();
    }
  });
});

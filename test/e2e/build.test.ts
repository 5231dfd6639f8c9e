import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

const project = fileURLToPath(new URL('../../', import.meta.url));
const parts = ['cli', 'services', 'shared', 'models', 'scripts', 'package.json'];

describe('the build of a clone', () => {
  let clone: string;
  beforeEach(async () => {
    clone = await mkdtemp(join(tmpdir(), 'starlift-clone-'));
    for (const part of parts)
      await cp(join(project, part), join(clone, part), { recursive: true, preserveTimestamps: true });
    await symlink(join(project, 'node_modules'), join(clone, 'node_modules'));
  });
  afterEach(() => rm(clone, { recursive: true }));

  const starlift = (...args: string[]) =>
    new Promise<{ code: number; output: string }>((resolve) => {
      const env = { ...process.env, STARLIFT_DEBUG: '1', FORCE_COLOR: undefined, NO_COLOR: '1' };
      execFile(process.execPath, ['cli/starlift.js', ...args], { cwd: clone, env }, (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
      );
    });
  /** A wrong option: a message, and a stack that says where it was made. */
  const complain = async () => (await starlift('run', '--every', 'soon')).output;
  const runFile = () => join(clone, 'cli/commands/run.ts');
  const replaceInRun = async (from: string | RegExp, to: string) => {
    const text = await readFile(runFile(), 'utf8');
    expect(text).toMatch(from);
    await writeFile(runFile(), text.replace(from, to));
  };

  it('is made by the first command, and once by several that start at the same time', async () => {
    const outputs = await Promise.all([complain(), complain(), complain()]);
    for (const output of outputs) {
      expect(output).toContain('--every soon');
      expect(output).toMatch(/dist\/\w+\/cli\.commands\.run\.js/);
    }
    expect(await readdir(join(clone, 'dist'))).toEqual([expect.stringMatching(/^\w+$/)]);
  });

  it('is made anew where a source was edited, or replaced by an older one', async () => {
    const original = await complain();
    const before = await readFile(runFile(), 'utf8');
    await replaceInRun(/--every \$\{/, '--every (edited) ${');
    expect(await complain()).toContain('--every (edited) soon');
    await writeFile(runFile(), before);
    await utimes(runFile(), new Date('2001-01-01'), new Date('2001-01-01'));
    expect((await complain()).split('\n')[0]).toBe(original.split('\n')[0]);
  });

  it('is made anew where a source was added or removed', async () => {
    await complain();
    const added = join(clone, 'models/totesys/tables/dim_added.yml');
    await writeFile(added, 'dimension: dim_added\nfrom: nowhere\n');
    expect((await starlift('schema')).output).toContain('tables/dim_added.yml line 2');
    await rm(added);
    expect(await starlift('schema')).toMatchObject({ code: 0 });
  });

  it('runs in a package, which has no sources', async () => {
    await starlift('schema');
    for (const part of ['services', 'shared', 'scripts', 'cli/main.ts'])
      await rm(join(clone, part), { recursive: true });
    const { code, output } = await starlift('schema');
    expect([code, output]).toEqual([0, expect.stringContaining('fact_sales_order')]);
  });

  it('that fails names the file and the line, and leaves nothing behind', async () => {
    await replaceInRun('export const command', '\nexport const const command');
    const { code, output } = await starlift('schema');
    expect(code).toBe(1);
    expect(output).toMatch(/^starlift: the sources cannot be built\ncli\/commands\/run\.ts:\d+: /);
    expect(await readdir(join(clone, 'dist'))).toEqual([]);
  });
});

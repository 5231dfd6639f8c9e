import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const project = fileURLToPath(new URL('../../../', import.meta.url));
const parts = ['cli', 'services', 'shared', 'scripts', 'package.json', 'package-lock.json'];

describe('the bundle of the command line', () => {
  let clone: string;
  beforeAll(async () => {
    clone = await mkdtemp(join(tmpdir(), 'starlift-clone-'));
    for (const part of parts)
      await cp(join(project, part), join(clone, part), { recursive: true, preserveTimestamps: true });
    // Packages, and the cache for bundles: this one's own are removed below.
    await symlink(join(project, 'node_modules'), join(clone, 'node_modules'));
  });
  afterAll(() => rm(clone, { recursive: true }));

  const node = (args: string[]) =>
    new Promise<{ code: number; output: string }>((resolve) => {
      const env = { ...process.env, STARLIFT_DEBUG: '1', FORCE_COLOR: undefined, NO_COLOR: '1' };
      execFile(process.execPath, args, { cwd: clone, env }, (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
      );
    });
  /** A wrong option: a message, and a stack that tells where it was made. */
  const complain = async () => (await node(['cli/starlift.js', 'run', '--every', 'soon'])).output;
  const install = () => node(['scripts/install-missing.js']);
  const edit = async (from: string, to: string) => {
    const file = join(clone, 'cli/commands/run.ts');
    await writeFile(file, (await readFile(file, 'utf8')).replace(from, to));
  };
  const removeBundle = async () => {
    const { bundleFolder } = await import(join(clone, 'scripts/bundle-folder.js'));
    await rm(bundleFolder(), { recursive: true, force: true });
  };

  it('runs where it is made of the sources as they are', async () => {
    await install();
    const output = await complain();
    expect(output).toContain('--every soon is not a number of seconds');
    expect(output).toMatch(/cache\/starlift\/bundles\/\w+\/run-\w+\.mjs/);
  });

  it('gives way to sources that were changed since, until it is made anew', async () => {
    await edit('is not a number of seconds', 'is a bad number of seconds');
    const fromSources = await complain();
    expect(fromSources).toContain('--every soon is a bad number of seconds');
    expect(fromSources).toContain(join(clone, 'cli/commands/run.ts'));
    await install();
    const bundled = await complain();
    expect(bundled).toContain('--every soon is a bad number of seconds');
    expect(bundled).toMatch(/cache\/starlift\/bundles\/\w+\/run-\w+\.mjs/);
    await removeBundle();
  });

  it('is left out where it cannot be made: the sources say what is wrong with them', async () => {
    await edit('export const command', 'export const const command');
    expect((await install()).code).toBe(0);
    expect(await complain()).toMatch(/SyntaxError|Expected ident/);
  });
});

import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { starlift } from '../../helpers/processes/starlift.ts';
import { hasProgram, startOnTerminal, type Typed } from './pty.ts';

const program = fileURLToPath(new URL('../../../cli/starlift.js', import.meta.url));

/** Begins a shell without anybody's own settings, with a prompt that can be waited for. */
const shells = {
  bash: {
    start: 'bash --norc --noprofile -i',
    begin: ` bind 'set enable-bracketed-paste off'; PS1='READY''> '; source <(starlift completion bash)\r`,
  },
  zsh: {
    start: 'zsh -f -i',
    begin: ` bindkey -e; autoload -U compinit && compinit -u -d "$ZDOTDIR/dump"; PS1='READY''> '; source <(starlift completion zsh)\r`,
  },
  fish: {
    start: 'fish --no-config -i',
    begin: ` function fish_prompt; echo -n 'READY''> '; end; starlift completion fish | source\r`,
  },
};

describe.each(['bash', 'zsh', 'fish'] as const)('completion in %s', (name) => {
  const isThere = hasProgram(name) && hasProgram('script');
  if (!isThere) console.log(`skipped: completion in ${name}, for there is no ${name} here`);
  const itWhereThere = isThere ? it : it.skip;
  let folder: string;
  let shell: Typed | undefined;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'completion-'));
    await mkdir(join(folder, 'home'));
    await mkdir(join(folder, 'my-data'));
    const shim = join(folder, 'starlift');
    await writeFile(shim, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`);
    await chmod(shim, 0o755);
  });
  afterEach(() => shell?.kill());
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function startShell(): Promise<Typed> {
    const { start, begin } = shells[name];
    const home = join(folder, 'home');
    const env = { PATH: `${folder}:${process.env.PATH}`, HOME: home, ZDOTDIR: home, TERM: 'dumb' };
    shell = startOnTerminal(`sh -c 'cd ${folder}; exec ${start}'`, env, 200);
    shell.type(begin);
    await shell.shown('READY> ');
    return shell;
  }

  itWhereThere.each([
    ['a command', 'stat\t', 'status'],
    ['an option', 'failures --qu\t', 'failures --queue'],
    ['an option of an action', 'quarantine drop --k\t', 'quarantine drop --key'],
    ['a value', 'replay --zone ing\t', 'replay --zone ingested'],
    ['a value behind =', 'replay --zone=ing\t', 'replay --zone=ingested'],
    ['a table of the model', 'replay --table fact_pay\t', 'replay --table fact_payment'],
    ['a folder', 'status --data my-d\t', 'status --data my-data'],
    ['two in a row', 'redr\t--dry\t', 'redrive --dry-run'],
  ])('completes %s', async (_, keys, expected) => {
    const typed = await startShell();
    typed.type(`starlift ${keys}`);
    await typed.shown(expected.split(' ').at(-1) ?? '');
    // To the start of the line, and back: it is printed, not run.
    typed.type('\u0001echo RAN \u0005\r');
    const ran = await typed.shown(/\nRAN .*\n/);
    expect(ran.trimEnd().split('\n').at(-1)).toMatch(
      // Whether a folder's slash stays is each shell's own habit.
      new RegExp(`^RAN starlift ${expected}/?$`),
    );
  });
});

it('completion for another shell is refused, and names those that there are', async () => {
  const { code, stdout, stderr } = await starlift(['completion', 'bsh']);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toBe('starlift: completion is for bash, zsh or fish, not for bsh; did you mean bash?\n');
});

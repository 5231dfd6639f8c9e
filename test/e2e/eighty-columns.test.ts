import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hasProgram, startOnTerminal } from '../integration/terminal/pty.ts';
import { makeDataFolder, removeFolder } from './road.ts';

const program = fileURLToPath(new URL('../../cli/starlift.js', import.meta.url));
const itOnTerminal = hasProgram('script') ? it : it.skip;

describe('on a terminal of 80 columns', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await makeDataFolder();
  });
  afterAll(() => removeFolder(folder));

  /** All that a command shows, as lines. */
  async function linesOf(args: string): Promise<string[]> {
    const typed = startOnTerminal(`'${process.execPath}' '${program}' ${args}`);
    const shown = await typed.everything();
    expect({ code: await typed.ended, shown }).toMatchObject({ code: 0 });
    return shown.split('\n');
  }
  // A command to type is one line, however long the folder's name is.
  const tooLong = (lines: string[]) =>
    lines.filter((line) => line.length > 80 && !/npx starlift|npm start/.test(line));

  itOnTerminal('fits all that a first run, status and verify show', async () => {
    const data = join(folder, 'data');
    for (const command of ['run', 'status', 'run', 'verify', 'quarantine', 'waiting', 'failures']) {
      const lines = await linesOf(`${command} --data '${data}'`);
      expect(lines.length).toBeGreaterThan(1);
      expect({ command, tooLong: tooLong(lines) }).toEqual({ command, tooLong: [] });
    }
  });
});

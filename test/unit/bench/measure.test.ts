import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { measure } from '../../bench/measure/measure.ts';
import { unzip } from '../../bench/setup/unzip.ts';

const busy = (seconds: number) => `const end = Date.now() + ${seconds * 1000}; while (Date.now() < end);`;
const run = (program: string) => promisify(execFile)(process.execPath, ['-e', program]);
const onLinux = process.platform === 'linux' ? it : it.skip;

describe('a measurement', () => {
  onLinux('counts the CPU time of a process that has ended, and of one that it started', async () => {
    const program = `require('node:child_process').execFileSync(process.execPath, ['-e', ${JSON.stringify(busy(0.3))}]); ${busy(0.3)}`;
    const { clientCpu, serverCpu, seconds } = await measure(async () => void (await run(program)), []);
    // Both loops end by the clock, so on a busy machine they get less of a processor than they last.
    expect(clientCpu).toBeGreaterThan(0.1);
    expect(clientCpu).toBeLessThan(2 * seconds);
    expect(serverCpu).toBe(0);
  });

  onLinux('knows the most memory that a process had, even when it has given it back', async () => {
    const program = `let big = Buffer.alloc(300e6, 1); big = undefined; gc(); ${busy(0.3)}`;
    const { largestProcess } = await measure(
      async () => void (await promisify(execFile)(process.execPath, ['--expose-gc', '-e', program])),
      [],
    );
    expect(largestProcess).toBeGreaterThan(300e6);
    expect(largestProcess).toBeLessThan(500e6);
  });
});

describe('unzip', () => {
  const hasPython = spawnSync('python3', ['--version']).status === 0;
  (hasPython ? it : it.skip)('gives the files that another program has zipped', () => {
    const folder = mkdtempSync(join(tmpdir(), 'starlift-unzip-'));
    try {
      const script = `import zipfile
with zipfile.ZipFile('files.zip', 'w') as zip:
    zip.writestr('stored.txt', 'as it is', zipfile.ZIP_STORED)
    zip.writestr('deflated.txt', 'again ' * 1000, zipfile.ZIP_DEFLATED)`;
      expect(spawnSync('python3', ['-c', script], { cwd: folder }).status).toBe(0);
      unzip(join(folder, 'files.zip'), folder);
      expect(readFileSync(join(folder, 'stored.txt'), 'utf8')).toBe('as it is');
      expect(readFileSync(join(folder, 'deflated.txt'), 'utf8')).toBe('again '.repeat(1000));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

// Runs before `npm start` and `npm test`, on whatever Node the machine has: plain JavaScript, Node 20.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const installed = 'node_modules/.package-lock.json';
const isMissing = !existsSync(installed) || !existsSync('node_modules/node/bin/node');
const isStale = !isMissing && statSync(installed).mtimeMs < statSync('package-lock.json').mtimeMs;

if (isMissing || isStale) {
  console.error('starlift: installing what is missing (npm install)…');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  const { status } = spawnSync(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    console.error('starlift: npm ci failed; see the lines above');
    process.exit(1);
  }
}

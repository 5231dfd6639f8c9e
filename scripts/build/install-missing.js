// Runs before `npm start` and `npm test`, on any Node that the machine has: plain JavaScript, Node 20.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';

const installed = 'node_modules/.package-lock.json';
const isMissing = !existsSync(installed) || !existsSync('node_modules/node/bin/node');
const isStale = !isMissing && statSync(installed).mtimeMs < statSync('package-lock.json').mtimeMs;

if (isMissing || isStale) {
  console.error('starlift: installing what is missing (npm install)…');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  // Not `npm ci`: it insists on the optional binaries of every other platform, which not every registry has.
  // With --no-save the lock file is followed and stays as it is.
  const { status } = spawnSync(npm, ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    console.error('starlift: npm install failed; see the lines above');
    process.exit(1);
  }
}

#!/usr/bin/env node
// Plain JavaScript for whatever Node the machine has (20 or newer): runs the command line under the Node 24 that
// came with the packages: in a clone from the bundle of its sources, or from these where they are newer, and from dist/
// in an installed package.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const source = new URL('./main.ts', import.meta.url);
const compiled = new URL('../dist/cli/main.js', import.meta.url);
const isClone = existsSync(source);
const compileCache = new URL(
  isClone ? '../node_modules/.cache/starlift' : '../../.cache/starlift',
  import.meta.url,
);

endWithStarter();
if (Number(process.versions.node.split('.')[0]) >= 24) {
  if (process.argv.includes('--watch')) keepGenerationsSmall();
  // Half of a command's time is the loading of its sources. Workers are told of the same folder.
  module.enableCompileCache(fileURLToPath(compileCache));
  const { main } = await import(await findMain());
  endWith(await main(process.argv.slice(2)));
} else {
  process.exitCode = await runUnderNode24();
}

// When all is written. Left to itself Node gives its memory back piece by piece, and the system does it at once: 10 ms.
/** @param {number} exitCode */
function endWith(exitCode) {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
}

async function findMain() {
  if (!isClone) return compiled.href;
  const { bundleFolder } = await import('../scripts/bundle-folder.js');
  const bundled = pathToFileURL(`${bundleFolder()}/cli.main.mjs`);
  return existsSync(bundled) ? bundled.href : source.href;
}

// A watch holds 50 MB and drops the rest. Left alone, V8 lets the generation of the young grow to 96 MB and takes its
// time with what it has promoted to the old: 370 MB resident after 500 runs, in place of 165. It works only before
// anything is loaded, for V8 does not shrink what has grown.
function keepGenerationsSmall() {
  setFlagsFromString('--semi-space-growth-factor=1');
  // The old one may hold a fifth more than what lives before it is collected. By itself it is four times as much,
  // and how soon a watch gets there depends on what else the machine has to do.
  setFlagsFromString('--heap-growing-percent=20');
  // The last of V8's compilers keeps what it once needed for a large function, 5 MB after some 1,500 runs. The one before
  // it does for a process that asks others to work.
  setFlagsFromString('--no-turbofan');
}

// Whoever kills the process that was started means the one that works: left behind, it would hold the data folder
// against the next run. Under an older Node that process is the one below, and a channel tells of its end at once;
// under `npm start` and npx it is npm, and a parent's id changes.
function endWithStarter() {
  const endNow = () => process.kill(process.pid, 'SIGKILL');
  const starter = process.ppid;
  if (process.env.STARLIFT_STARTER === String(starter)) {
    process.on('disconnect', endNow);
    process.channel?.unref();
  } else if (['start', 'npx'].includes(process.env.npm_lifecycle_event ?? '')) {
    const line = ancestors();
    setInterval(() => ancestors() === line || endNow(), 200).unref();
  }
}

// The shell of npm outlives npm, so its parent is looked at as well, where the system tells it (Linux).
function ancestors() {
  try {
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8');
    return `${process.ppid} ${stat.slice(stat.lastIndexOf(')')).split(' ')[2]}`;
  } catch {
    return `${process.ppid}`;
  }
}

async function runUnderNode24() {
  const node = findNode24();
  if (node === undefined) {
    console.error(
      `starlift: needs Node 24 or newer, and this is ${process.version}; \`npm install\` in a clone, ` +
        'or `npm install node@24` beside the package, brings it',
    );
    return 2;
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    env: { ...process.env, STARLIFT_STARTER: String(process.pid) },
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // A terminal's Ctrl-C reaches the child by itself as well; a signal to this process alone does not.
  process.on('SIGINT', () => child.kill('SIGINT'));
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve) => {
    child.once('error', ({ message }) => {
      console.error(`starlift: ${message}`);
      resolve(1);
    });
    child.once('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : code));
  });
}

function findNode24() {
  try {
    const node = createRequire(import.meta.url).resolve('node/bin/node');
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

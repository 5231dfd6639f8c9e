#!/usr/bin/env node
// Plain JavaScript for any Node that the machine has (20 or newer): runs the command line from its build in dist/. A clone
// runs under the Node 24 that came with its packages, and first builds the sources, unless there is a build of them. An
// installed package has a build, and runs under any Node from 22.18 on.
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';

endWithStarter();
omitSqliteWarning();
const isInstalled = !existsSync(new URL('main.ts', import.meta.url));
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major >= 24 || (isInstalled && (major > 22 || (major === 22 && minor >= 18)))) {
  if (process.argv.includes('--watch')) keepGenerationsSmall();
  const build = await findBuild();
  if (build !== undefined) await runMain(build);
  else process.exitCode = 1;
} else {
  process.exitCode = await runUnderNode24();
}

/** @param {string} build its folder */
async function runMain(build) {
  // Half of a command's time is the compiling of what it loads. Workers use the same folder.
  module.enableCompileCache(join(build, 'compiled'));
  const { main } = await import(pathToFileURL(join(build, 'cli.main.js')).href);
  endWith(await main(process.argv.slice(2)));
}

/** @returns the build's folder; undefined where the sources cannot be built */
async function findBuild() {
  if (isInstalled) {
    const dist = fileURLToPath(new URL('../dist', import.meta.url));
    return join(dist, String(readdirSync(dist)[0]));
  }
  try {
    const { ensureBuild } = await import('../scripts/build/dist.js');
    return await ensureBuild();
  } catch (error) {
    console.error(`starlift: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

// When all is written. Left to itself Node gives its memory back piece by piece, and the system does it at once.
/** @param {number} exitCode */
function endWith(exitCode) {
  process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
}

// Node 22 calls node:sqlite experimental, on stderr. What it is used for here is tested under that Node, too.
function omitSqliteWarning() {
  const emitWarning = process.emitWarning;
  /** @param {any[]} args */
  process.emitWarning = (...args) => {
    if (!(args[1] === 'ExperimentalWarning' && String(args[0]).startsWith('SQLite'))) {
      Reflect.apply(emitWarning, process, args);
    }
  };
}

// A watch holds little and drops much. Left alone, V8 lets both of its generations grow for hundreds of runs
// (docs/benchmarks.md). It works only before anything is loaded, because V8 does not shrink what has grown.
function keepGenerationsSmall() {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=20');
}

// When the process that the user started is killed, this one ends too. Otherwise it would keep the data folder locked
// against the next run. Under an older Node that process is the one below, and a channel reports its end at once. Under
// `npm start` and npx it is npm, and the parent's id changes.
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

// The shell of npm outlives npm, so its parent is compared as well, on systems that report it (Linux).
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
    const remedy = isInstalled
      ? 'Node 22.18 or newer: install it, or type `npm install node@24` in this folder'
      : 'Node 24: `npm install` installs it';
    console.error(`starlift: this is Node ${process.version}, and Starlift needs ${remedy}`);
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

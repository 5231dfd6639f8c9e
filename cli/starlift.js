#!/usr/bin/env node
// Plain JavaScript for whatever Node the machine has (20 or newer): runs the command line under the Node 24 that
// came with the packages, from the sources in a clone, from dist/ in an installed package.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const source = new URL('./main.ts', import.meta.url);
const compiled = new URL('../dist/cli/main.js', import.meta.url);
const isClone = existsSync(source);
const compileCache = new URL(
  isClone ? '../node_modules/.cache/starlift' : '../../.cache/starlift',
  import.meta.url,
);

if (Number(process.versions.node.split('.')[0]) >= 24) {
  if (process.argv.includes('--watch')) keepYoungGenerationSmall();
  // Half of a command's time is the loading of its sources. Workers are told of the same folder.
  module.enableCompileCache(fileURLToPath(compileCache));
  const { main } = await import(isClone ? source.href : compiled.href);
  process.exitCode = await main(process.argv.slice(2));
} else {
  process.exitCode = runUnderNode24();
}

// A watch holds 50 MB and drops the rest. Left alone, V8 lets the generation of the young grow to 96 MB and takes its
// time with what it has promoted to the old: 370 MB resident after 500 runs, in place of 165. It works only before
// anything is loaded, for V8 does not shrink what has grown.
function keepYoungGenerationSmall() {
  setFlagsFromString('--semi-space-growth-factor=1');
}

function runUnderNode24() {
  const node = findNode24();
  if (node === undefined) {
    console.error(
      `starlift: needs Node 24 or newer, and this is ${process.version}; \`npm install\` in a clone, ` +
        'or `npm install node@24` beside the package, brings it',
    );
    return 2;
  }
  // The child is in the terminal's process group and gets Ctrl-C itself: the parent only waits.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => {});
  const { status, error } = spawnSync(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  if (error !== undefined) console.error(`starlift: ${error.message}`);
  return status ?? 1;
}

function findNode24() {
  try {
    const node = createRequire(import.meta.url).resolve('node/bin/node');
    return existsSync(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

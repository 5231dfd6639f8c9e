// Compiles a bundle for the commands to come: argv[2] is its folder. Runs under the Node that they run under.
//
// Node keeps what V8 compiled as a module is loaded, and V8 compiles a function when it is called: each process would
// compile those of its start anew, a tenth of the CPU time of a run with nothing to do. So here V8 compiles all of them.
import { readdirSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { compileCacheFolder } from './bundle-folder.js';

const folder = String(process.argv[2]);
module.enableCompileCache(compileCacheFolder);
// Not on the command line: code that was compiled under flags of that kind is not taken under others.
setFlagsFromString('--no-lazy');
for (const file of readdirSync(folder)) {
  // It ends a process that is no worker.
  if (file.endsWith('.worker.mjs')) continue;
  // A handler without its environment fails, when it is compiled.
  await import(join(folder, file)).catch(() => {});
}
process.exit(0);

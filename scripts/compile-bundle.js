// Compiles a bundle for the commands to come: argv[2] is its folder. Runs under the Node that they run under.
//
// Node keeps what V8 has compiled of a module when that is loaded: what it exports, not what is called later. To have V8
// compile all of it (--no-lazy) is in vain: it takes no code that was compiled under other flags than its own.
import { readdirSync } from 'node:fs';
import module from 'node:module';
import { join } from 'node:path';
import { compileCacheFolder } from './bundle-folder.js';

const folder = String(process.argv[2]);
module.enableCompileCache(compileCacheFolder);
for (const file of readdirSync(folder)) {
  // It ends a process that is no worker.
  if (file.endsWith('.worker.mjs')) continue;
  // A handler without its environment fails, when it is compiled.
  await import(join(folder, file)).catch(() => {});
}
process.exit(0);

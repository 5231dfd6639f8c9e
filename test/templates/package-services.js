import { spawnSync } from 'node:child_process';

/** Packages the services once for all test files, as `npm run package` does. */
// biome-ignore lint/style/noDefaultExport: Jest takes a global setup from the default export.
export default function packageServices() {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/build/package-services.js'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`the services cannot be packaged:\n${stdout}${stderr}`);
}

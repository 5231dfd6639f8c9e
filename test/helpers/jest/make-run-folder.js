import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuild } from '../../../scripts/build/dist.js';

/**
 * Jest global setup: a folder for what the first test file that wants it makes for all files of this run, and the build
 * from which commands and workers run (module-at.ts).
 */
// biome-ignore lint/style/noDefaultExport: Jest takes a setup from the default export.
export default async function makeRunFolder() {
  process.env.BUILD_FOLDER = await ensureBuild();
  const folder = mkdtempSync(join(tmpdir(), 'starlift-run-'));
  // Postgres runs as another user where the tests are root, and must pass through.
  chmodSync(folder, 0o711);
  process.env.RUN_FOLDER = folder;
}

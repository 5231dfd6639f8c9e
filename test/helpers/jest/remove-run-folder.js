import { rmSync } from 'node:fs';

/** Jest global teardown: see make-run-folder.js. */
// biome-ignore lint/style/noDefaultExport: Jest takes a teardown from the default export.
export default function removeRunFolder() {
  rmSync(String(process.env.RUN_FOLDER), { recursive: true, force: true });
}

import { mkdir, rm } from 'node:fs/promises';

/** Makes the folder, or empties the one that is there. */
export async function emptyFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true });
  await mkdir(path, { recursive: true });
}

import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Another release's sources, with this one's packages: its own are among them. */
export interface OlderRelease {
  /** Ends with a slash. */
  root: string;
  remove(): Promise<void>;
}

/** A shallow clone lacks it; then this says so. */
export function hasRelease(commit: string): boolean {
  const { status } = spawnSync('git', ['cat-file', '-e', `${commit}^{commit}`], {
    cwd: root,
    stdio: 'ignore',
  });
  if (status !== 0)
    console.warn(`SKIPPED: the clone's history does not go back to ${commit}, to upgrade a stage from`);
  return status === 0;
}

/** @throws {Error} the repository's history does not go back to the commit */
export async function openRelease(commit: string): Promise<OlderRelease> {
  const folder = await mkdtemp(join(tmpdir(), 'starlift-release-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const [sources, archive] = [join(folder, 'sources'), join(folder, 'sources.tar')];
  try {
    await mkdir(sources);
    await promisify(execFile)('git', ['archive', '--output', archive, commit], { cwd: root });
    await promisify(execFile)('tar', ['--extract', '--file', archive, '--directory', sources]);
    await symlink(join(root, 'node_modules'), join(sources, 'node_modules'));
    return { root: `${sources}/`, remove };
  } catch (error) {
    await remove();
    throw new Error(`the sources of ${commit} cannot be had: the clone has to have its whole history`, {
      cause: error,
    });
  }
}

import { finished, spawnStarlift, starlift } from '../../helpers/processes/starlift.ts';

export interface RunTarget {
  source: string;
  warehouse: string;
  /** The data folder. */
  data: string;
  /** The folder of the project; the sample shop's without it. */
  project?: string;
  /** All tables are looked at, those that rest too. */
  isExact?: boolean;
}

/** Runs `starlift run` to its end, as a process of its own. @throws it did not end well */
export async function runStarlift(
  { source, warehouse, data, project, isExact }: RunTarget,
  env: Record<string, string> = {},
): Promise<void> {
  const args = ['run', '--source', source, '--warehouse', warehouse, '--data', data, '--json'];
  if (project !== undefined) args.push('--project', project);
  if (isExact) args.push('--exact');
  const { code, stdout, stderr } = await finished(spawnStarlift(args, env));
  if (code !== 0) throw new Error(`starlift run ended with ${code}:\n${stdout}\n${stderr}`);
}

/** Does the work while `starlift run --watch` watches the source, as a process of its own. */
export async function whileWatching<T>(
  { source, warehouse, data }: RunTarget,
  everySeconds: number,
  work: () => Promise<T>,
): Promise<T> {
  const databases = ['--source', source, '--warehouse', warehouse, '--data', data];
  const watching = spawnStarlift(['run', ...databases, '--watch', '--every', String(everySeconds), '--json']);
  const ended = finished(watching);
  const result = await work();
  watching.kill('SIGINT');
  await ended;
  return result;
}

/** @throws `starlift verify` finds the warehouse to be other than the source */
export async function assertVerified({ source, warehouse, project }: Omit<RunTarget, 'data'>): Promise<void> {
  const args = ['verify', '--source', source, '--warehouse', warehouse];
  if (project !== undefined) args.push('--project', project);
  const { code, stdout, stderr } = await starlift(args);
  if (code !== 0) throw new Error(`starlift verify ended with ${code}:\n${stdout}\n${stderr}`);
}

import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { quoteForShell, runInShell } from '../reference/copy-command.ts';

/** `new`: what has been changed since the last one, into the same table; `full`: all of it, into a new one. */
export type CopyMode = 'full' | 'new';

/** The tables that the peers copy into. */
export const peerTables = { Sling: 'sling.sales_order', dlt: 'dlt.sales_order' } as const;

/** Where the rows are, and where they are to be. */
export interface Databases {
  source: string;
  target: string;
}

const dltProgram = fileURLToPath(new URL('dlt_copy.py', import.meta.url));
const dltMergeProgram = fileURLToPath(new URL('dlt_merge.py', import.meta.url));
const dltTablesProgram = fileURLToPath(new URL('dlt_tables.py', import.meta.url));

/** undefined where the registry has no program for this machine. */
export function findSling(programs: string): string | undefined {
  const machine = process.arch === 'arm64' ? 'arm64' : 'amd64';
  const packages = join(programs, '..', 'lib');
  const pythons = readdirSync(packages).filter((name) => name.startsWith('python'));
  return pythons
    .map((python) =>
      join(packages, python, 'site-packages', `sling_linux_${machine}`, 'bin', `sling-linux-${machine}`),
    )
    .find(existsSync);
}

/** Sling copies sales_order as it is, into a table of its own making. */
export function slingCopy(sling: string, { source, target }: Databases, mode: CopyMode): Promise<void> {
  const words = [
    ...[sling, 'run', '--src-conn', 'SOURCE', '--src-stream', 'public.sales_order'],
    ...['--tgt-conn', 'TARGET', '--tgt-object', peerTables.Sling],
    ...(mode === 'full'
      ? ['--mode', 'full-refresh']
      : ['--mode', 'incremental', '--update-key', 'last_updated']),
  ];
  return runInShell(words.map(quoteForShell).join(' '), {
    SOURCE: `${source}?sslmode=disable`,
    TARGET: `${target}?sslmode=disable`,
    SLING_DISABLE_TELEMETRY: 'true',
  });
}

/** Sling brings sales_order up to date by its key and last_updated. @param object the table that it copies into */
export function slingMerge(sling: string, { source, target }: Databases, object: string): Promise<void> {
  const words = [
    ...[sling, 'run', '--src-conn', 'SOURCE', '--src-stream', 'public.sales_order'],
    ...['--tgt-conn', 'TARGET', '--tgt-object', object],
    ...['--mode', 'incremental', '--primary-key', 'sales_order_id', '--update-key', 'last_updated'],
  ];
  return runInShell(words.map(quoteForShell).join(' '), {
    SOURCE: `${source}?sslmode=disable`,
    TARGET: `${target}?sslmode=disable`,
    SLING_DISABLE_TELEMETRY: 'true',
  });
}

/** dlt does the same. @param folder keeps what it knows of the last time */
export function dltMerge(
  programs: string,
  { source, target }: Databases,
  folder: string,
  { dataset, lag }: { dataset: string; lag: number },
): Promise<void> {
  const words = [join(programs, 'python'), dltMergeProgram, source, target, folder, dataset, String(lag)];
  return runInShell(words.map(quoteForShell).join(' '), dltEnvironment(folder));
}

/** Sling copies tables as they are into its schema, as many at a time as the machine has cores. */
export async function slingTables(
  sling: string,
  { source, target }: Databases,
  tables: readonly string[],
): Promise<void> {
  const streams = Object.fromEntries(tables.map((table) => [`public.${table}`, null]));
  const defaults = { mode: 'full-refresh', object: 'sling.{stream_table}' };
  const replication = JSON.stringify({ source: 'SOURCE', target: 'TARGET', defaults, streams });
  return runInShell([sling, 'run', '-r', replication].map(quoteForShell).join(' '), {
    SOURCE: `${source}?sslmode=disable`,
    TARGET: `${target}?sslmode=disable`,
    SLING_THREADS: String(availableParallelism()),
    SLING_DISABLE_TELEMETRY: 'true',
  });
}

/** dlt copies tables as they are into its schema. @param folder keeps what it knows of the last time */
export function dltTables(
  programs: string,
  { source, target }: Databases,
  folder: string,
  tables: readonly string[],
): Promise<void> {
  const words = [join(programs, 'python'), dltTablesProgram, source, target, folder, tables.join(',')];
  return runInShell(words.map(quoteForShell).join(' '), dltEnvironment(folder));
}

/** dlt copies sales_order as it is, into a table of its own making. @param folder keeps what it knows of the last time */
export function dltCopy(
  programs: string,
  databases: Databases,
  folder: string,
  mode: CopyMode,
): Promise<void> {
  const words = [join(programs, 'python'), dltProgram, databases.source, databases.target, folder, mode];
  return runInShell(words.map(quoteForShell).join(' '), dltEnvironment(folder));
}

const dltEnvironment = (folder: string) => ({
  DLT_DATA_DIR: folder,
  RUNTIME__DLTHUB_TELEMETRY: 'false',
  // The servers ask for none, and dlt insists on sending one.
  DESTINATION__POSTGRES__CREDENTIALS__PASSWORD: 'none',
});

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { makePythonEnvironment } from '../../../scripts/programs/python-environment.ts';

const pathOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const environment = pathOf('../../../.venv-zones');

/**
 * A Python with the programs of docs/zones.md, in an environment of the project's own. It is made in CI, or where
 * ZONE_READERS=install asks for it; it takes some hundred MB.
 *
 * @returns undefined where there is none, which it says
 * @throws {Error} CI cannot install it
 */
export async function findReaders(): Promise<string | undefined> {
  const isAskedFor = process.env.CI !== undefined || process.env.ZONE_READERS === 'install';
  if (!isAskedFor && !existsSync(environment)) {
    process.stderr.write(
      '\nNOT TESTED: the statements of docs/zones.md. ZONE_READERS=install installs DuckDB, pandas, Polars and pyarrow.\n\n',
    );
    return undefined;
  }
  for (let tries = 1; ; tries += 1) {
    try {
      const programs = await makePythonEnvironment({
        folder: environment,
        requirements: [
          { file: pathOf('requirements.txt'), options: ['--require-hashes', '--only-binary', ':all:'] },
        ],
      });
      return join(programs, 'python');
    } catch (error) {
      // A registry may be away for a moment.
      if (tries === 3) throw error;
      await delay(5000);
    }
  }
}

/** The statements that docs/zones.md marks as tested. @returns by name, such as `sql latest-fact` */
export function readStatements(): Record<string, string> {
  const text = readFileSync(pathOf('../../../docs/zones.md'), 'utf8');
  const found = text.matchAll(/<!-- tested: ([\w -]+?) -->\n\n```\w+\n(.*?)```/gs);
  return Object.fromEntries([...found].map(([, name = '', statement = '']) => [name, statement]));
}

const run = promisify(execFile);

/** Runs a statement of DuckDB. @returns its rows, dates and decimals as texts */
export async function runSql(python: string, sql: string, cwd: string): Promise<unknown[][]> {
  const script =
    'import duckdb, json, sys\nprint(json.dumps(duckdb.sql(sys.argv[1]).fetchall(), default=str))';
  const { stdout } = await run(python, ['-c', script, sql], { cwd });
  return JSON.parse(stdout) as unknown[][];
}

/** Runs a script that prints a dictionary. @returns its keys with their numbers, both as texts */
export async function runPython(
  python: string,
  script: string,
  cwd: string,
): Promise<Record<string, string>> {
  const { stdout } = await run(python, ['-c', script], { cwd });
  const found = stdout.matchAll(/(\d+): (?:Decimal\(')?([\d.]+)/g);
  return Object.fromEntries([...found].map(([, key = '', value = '']) => [key, value]));
}

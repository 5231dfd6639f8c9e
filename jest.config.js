import { existsSync, statfsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

// What handlers say of themselves in CloudWatch's format is nobody's here.
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

// Workers that a test starts are compiled once, as the command line's are.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/starlift', import.meta.url));

// Servers and clouds of the tests make thousands of files, none of which outlives its test. A file in memory costs 0.01 ms
// of CPU time, one on ext4 0.1 to 1.
if (hasRoom('/dev/shm')) process.env.TMPDIR ??= '/dev/shm';

export default {
  testEnvironment: '<rootDir>/test/helpers/plain-context.js',
  testMatch: ['<rootDir>/test/{unit,integration,e2e,golden,reliability,contract}/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/helpers/strip-types.js' },
  moduleNameMapper: { '/module-at\\.ts$': '<rootDir>/test/helpers/module-at.ts' },
  // Two cores, and most tests wait for servers now and then: a third worker has the time that the others leave.
  maxWorkers: 3,
  // What a file has loaded stays in the heap, and a worker that has grown is replaced. Coverage walks the whole heap at the
  // start of every file. Measured on the unit tests, CPU time with 300 and with 700 MB: 43 and 48 s with coverage, 24 and
  // 21 without.
  workerIdleMemoryLimit: process.argv.includes('--coverage') ? '300MB' : '700MB',
  globalSetup: '<rootDir>/test/helpers/make-run-folder.js',
  globalTeardown: '<rootDir>/test/helpers/remove-run-folder.js',
  testSequencer: '<rootDir>/test/helpers/longest-first.js',
  // Many tests start servers, and the other core may be doing the same.
  testTimeout: 60_000,
  coverageProvider: 'v8',
  coverageThreshold: { global: { lines: 90, branches: 90 } },
  collectCoverageFrom: ['services/**/*.ts', 'shared/**/*.ts', 'cli/**/*.ts'],
};

/** @param {string} folder A container's has 64 MB, one server's log alone may come to more. */
function hasRoom(folder) {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > 4 * 2 ** 30;
}

import { existsSync, statfsSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Nothing reads the handlers' metrics here.
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

// A busy machine may not answer in the usual 3 s; tests of those set it.
process.env.STATUS_WAIT_SECONDS ??= '10';

// Workers that a test starts are compiled once, like those of the command line.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/starlift', import.meta.url));
// Where one file runs in this process, which began without it.
enableCompileCache(process.env.NODE_COMPILE_CACHE);

// Servers and clouds of the tests make thousands of files, none of which outlives its test. A file in memory costs far
// less CPU time than one on a disk.
if (hasRoom('/dev/shm')) process.env.TMPDIR ??= '/dev/shm';

// `npm test` leaves whole systems, killed processes and most commands of operators to `npm run test:slow`.
const slowFolders = 'reliability|e2e|integration/operator|integration/failures';
// Of these folders, what covers most in the least time.
const quick = `
  any-database changes real-totesys settings
  expire follow-slices forget-in-flight forgotten-looks gone-column history lost-object
  objects quarantined-keys resync trace unknown-tables views waiting
  dead-letters/moved-letters dead-letters/redrive stage/run-on-a-stage status/first-load status/rows-in-flight
`;
const slow = [
  `/test/(${slowFolders})/(?!(${quick.trim().split(/\s+/).join('|')})\\.test)`,
  '/test/integration/console/pages',
  '/test/integration/models/killed-migration',
];
const file = '.*\\.test\\.ts$';
const isSlow = process.env.TESTS === 'slow';
// `npm test -- PATH` runs whatever lies there, and CI everything in one run.
const isWhole =
  process.env.TESTS === 'all' ||
  process.argv.slice(2).some((word) => !word.startsWith('-') && word.includes('test/'));

export default {
  testEnvironment: '<rootDir>/test/helpers/jest/plain-context.js',
  testRegex: isSlow
    ? slow.map((folder) => `${folder}${file}`)
    : `/test/(unit|integration|e2e|golden|reliability|contract)/${file}`,
  testPathIgnorePatterns: isSlow || isWhole ? [] : slow,
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/helpers/jest/strip-types.js' },
  moduleNameMapper: {
    '/module-at\\.ts$': '<rootDir>/test/helpers/jest/module-at.ts',
    // As cli/embedded/services.ts imports it, and nobody else.
    '^\\./workers/worker-pool\\.ts$': '<rootDir>/test/helpers/jest/worker-pool.ts',
  },
  // For two cores: most tests wait for servers now and then, and two more workers use that time.
  maxWorkers: 4,
  // Whatever a file has loaded stays in the heap, so a worker that has grown is replaced. Coverage walks the whole heap at
  // the start of every file, so with coverage a smaller limit is faster, and without it a larger one.
  workerIdleMemoryLimit: process.argv.includes('--coverage') ? '300MB' : '700MB',
  globalSetup: '<rootDir>/test/helpers/jest/make-run-folder.js',
  globalTeardown: '<rootDir>/test/helpers/jest/remove-run-folder.js',
  testSequencer: '<rootDir>/test/helpers/jest/longest-first.js',
  // `npm test -- --seed N PATH` repeats the order of shuffled tests.
  showSeed: true,
  // Many tests start servers, and the other core may do the same.
  testTimeout: 180_000,
  coverageProvider: 'v8',
  coverageThreshold: { global: { lines: 90, branches: 90 } },
  collectCoverageFrom: ['services/**/*.ts', 'shared/**/*.ts', 'cli/**/*.ts', 'models/**/*.ts'],
};

/** @param {string} folder A container's has 64 MB, one server's log alone may come to more. */
function hasRoom(folder) {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > 4 * 2 ** 30;
}

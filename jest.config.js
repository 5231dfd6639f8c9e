import { fileURLToPath } from 'node:url';

// What handlers say of themselves in CloudWatch's format is nobody's here.
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

// Workers that a test starts are compiled once, as the command line's are.
process.env.NODE_COMPILE_CACHE ??= fileURLToPath(new URL('node_modules/.cache/starlift', import.meta.url));

export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/{unit,integration,e2e,golden,reliability,contract}/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/helpers/strip-types.js' },
  // Two cores, and most tests wait for servers now and then: a third worker has the time that the others leave.
  maxWorkers: 3,
  // Coverage walks the whole heap at the start of every file, and what a file has loaded stays in it: a worker that has
  // grown is replaced. Measured on the unit tests: 34 s of CPU time in place of 43.
  workerIdleMemoryLimit: '300MB',
  testSequencer: '<rootDir>/test/helpers/longest-first.js',
  // Many tests start servers, and the other core may be doing the same.
  testTimeout: 60_000,
  coverageProvider: 'v8',
  coverageThreshold: { global: { lines: 90, branches: 90 } },
  collectCoverageFrom: ['services/**/*.ts', 'shared/**/*.ts', 'cli/**/*.ts'],
};

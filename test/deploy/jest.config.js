// Not among `npm test`: it needs Python, and installs MiniStack. `npm run test:deploy` runs it.

// The stand-in for AWS is one process, and the machine may be busy.
process.env.STATUS_WAIT_SECONDS ??= '10';

// biome-ignore lint/style/noDefaultExport: Jest takes its configuration from the default export.
export default {
  rootDir: '../..',
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/deploy/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/helpers/jest/strip-types.js' },
  maxWorkers: 1,
  // Deploys, and schedules of a minute.
  testTimeout: 300_000,
};

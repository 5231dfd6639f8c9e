// Not among `npm test`: it needs Python, and installs MiniStack. `npm run test:deploy` runs it.
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

// Not among `npm test`: it needs Docker or Python. `npm run test:localstack` starts LocalStack and runs it.
// biome-ignore lint/style/noDefaultExport: Jest takes its configuration from the default export.
export default {
  rootDir: '../..',
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/localstack/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/helpers/jest/strip-types.js' },
  maxWorkers: 2,
  // Rules of a minute.
  testTimeout: 180_000,
};

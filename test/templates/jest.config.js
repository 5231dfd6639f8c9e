// Not among `npm test`: the linters need Python, and come from PyPI. `npm run test:templates` runs it.
// Handlers write their metrics to stdout, which is nobody's here.
process.env.POWERTOOLS_METRICS_DISABLED ??= 'true';

// biome-ignore lint/style/noDefaultExport: Jest takes its configuration from the default export.
export default {
  rootDir: '../..',
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/templates/**/*.test.ts'],
  globalSetup: '<rootDir>/test/templates/package-services.js',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/helpers/jest/strip-types.js' },
  maxWorkers: 1,
  // Checkov alone takes half a minute on a busy machine.
  testTimeout: 180_000,
};

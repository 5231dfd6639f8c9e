// Sums the reports of a CI run: `<step>.json` of Jest, and `<step>.failed` where a step has failed. Prints
// `N passed, N failed`, and ends with 1 where anything has.
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const folder = process.argv[2] ?? '.';
let passed = 0;
let failed = 0;
for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(`${folder}/${file}`, 'utf8'));
  passed += report.numPassedTests;
  failed += failuresOf(report);
}
for (const file of readdirSync(folder).filter((name) => name.endsWith('.failed'))) {
  const path = `${folder}/${file.replace(/\.failed$/, '.json')}`;
  // Failed tests are counted above; a step without any has failed as a whole.
  const isCounted = existsSync(path) && failuresOf(JSON.parse(readFileSync(path, 'utf8'))) > 0;
  if (!isCounted) failed += 1;
}
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);

/** @param {{ numFailedTests: number, numRuntimeErrorTestSuites: number }} report */
function failuresOf({ numFailedTests, numRuntimeErrorTestSuites }) {
  return numFailedTests + numRuntimeErrorTestSuites;
}

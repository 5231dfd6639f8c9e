// Runs the tests of the packaged templates. The linters need Python: without it this prints that the tests are skipped,
// and in CI it fails.
import { spawnSync } from 'node:child_process';

const python = process.env.PYTHON ?? 'python3';
const probe = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))';
const hasPython = spawnSync(python, ['-c', probe], { stdio: 'ignore' }).status === 0;

if (!hasPython) {
  const reason = `there is no Python 3.10 or newer with venv (${python})`;
  const isCi = process.env.CI === 'true';
  console.error(isCi ? `test:templates failed: ${reason}` : `test:templates skipped: ${reason}`);
  process.exit(isCi ? 1 : 0);
}
const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js'];
const args = [...jest, '--config', 'test/templates/jest.config.js', ...process.argv.slice(2)];
const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
process.exit(status ?? 1);

import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { seen } from '../../helpers/seen.ts';
import { type BareProject, makeBareProject } from './bare-project.ts';

/** A Docker whose LocalStack is ready as soon as it is up, and does nothing else. It notes what it is asked. */
const docker = `
  const { spawn } = require('node:child_process');
  const fs = require('node:fs');
  const at = (name) => __dirname + '/' + name;
  const [command, ...rest] = process.argv.slice(2).filter((arg) => !arg.startsWith('/'));
  fs.appendFileSync(at('asked'), [command, ...rest].join(' ').replace(/\\d{4,}/, 'PORT') + '\\n');
  if (rest.includes('up') && process.env.REGISTRY === 'away') {
    console.error('trying…\\nno such host');
    process.exit(1);
  }
  const server = "require('node:http').createServer((_, response) => response.end(" +
    "JSON.stringify({ completed: { READY: true } }))).listen(process.env.LOCALSTACK_PORT, '127.0.0.1')";
  if (rest.includes('up')) {
    const child = spawn(process.execPath, ['-e', server], { detached: true, stdio: 'ignore' });
    fs.writeFileSync(at('pid'), String(child.pid));
    child.unref();
  }
  if (rest.includes('down') && fs.existsSync(at('pid'))) process.kill(Number(fs.readFileSync(at('pid'), 'utf8')));
`;

/** A Python that is fit, and whose pip reaches nothing. */
const python = `
  const args = process.argv.slice(2);
  if (args[0] === '-c') console.log(__filename);
  else {
    console.error('WARNING: retrying\\nERROR: no network');
    process.exitCode = 1;
  }
`;

let project: BareProject;
beforeEach(async () => {
  project = await makeBareProject();
});
afterEach(() => project.remove());

describe('npm run test:localstack', () => {
  it('uses Docker where it works, hands on what it is told, and leaves nothing running', async () => {
    await project.addProgram('docker', docker);
    const { code, stdout } = await project.run({ TESTS_EXIT: '3' });
    expect(stdout).toMatch(/^tests ran on http:\/\/127\.0\.0\.1:\d+ with --json\n$/);
    expect(code).toBe(3);
    const compose = 'compose --file --project-name starlift-localstack-PORT';
    expect((await project.read('asked')).trim().split('\n')).toEqual([
      ...['info', 'compose version'],
      ...[`${compose} up --detach --quiet-pull`, `${compose} down --volumes --timeout 10`],
    ]);
    const endpoint = /http:\S+/.exec(stdout)?.[0] ?? '';
    await seen(
      () =>
        fetch(endpoint).then(
          () => false,
          () => true,
        ),
      10,
    );
  });

  it('is skipped with both reasons where neither Docker nor Python is there', async () => {
    const { code, stdout } = await project.run();
    expect(stdout).toBe(
      'test:localstack skipped: there is no working Docker daemon, and ' +
        'there is no Python 3.12 to 3.14 with venv and ensurepip\n',
    );
    expect(code).toBe(0);
  });

  it('is skipped where neither the image nor the packages can be had', async () => {
    await project.addProgram('docker', docker);
    await project.addProgram('python3.12', python);
    const { code, stdout } = await project.run({ REGISTRY: 'away' });
    expect(stdout).toBe(
      'test:localstack skipped: Docker cannot run the image: no such host, and ' +
        'LocalStack cannot be installed: ERROR: no network\n',
    );
    expect(code).toBe(0);
  });

  it('fails in CI where it would be skipped', async () => {
    const { code, stdout } = await project.run({ CI: 'true' });
    expect(stdout).toMatch(/^test:localstack skipped: /);
    expect(code).toBe(1);
  });
});

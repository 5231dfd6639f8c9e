// Deploys a stage: `npm run deploy -- --stage dev [--region R]`. compose takes no region, but the services take that of the
// environment.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findRegion } from './find-region.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { region, rest } = await findRegion(process.argv.slice(2));
const program = `${root}node_modules/@osls/compose/bin/serverless-compose`;
const { status } = spawnSync(process.execPath, [program, 'deploy', ...rest], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, AWS_REGION: region },
});
process.exitCode = status ?? 1;

// Deploys the clone's services by compose: `npm run deploy -- --stage dev [--region R]`, with the parameters of
// services/stages.yml. compose takes no region, but the services take that of the environment.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findRegion } from '../../cli/deploy/deploy-stage.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values } = parseArgs({
  options: { stage: { type: 'string', default: 'dev' }, region: { type: 'string' } },
});
const region = await findRegion({ stage: values.stage, region: values.region }).catch((error: unknown) => {
  console.error(`starlift: ${String(error instanceof Error ? error.message : error)}`);
  process.exit(2);
});
const program = `${root}node_modules/@osls/compose/bin/serverless-compose`;
const { status } = spawnSync(process.execPath, [program, 'deploy', '--stage', values.stage], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, AWS_REGION: region },
});
process.exitCode = status ?? 1;

// Deploys the clone's services by compose: `npm run deploy -- --stage dev [--region R]`, with the parameters of
// services/stages.yml. compose takes no region, but the services take that of the environment.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { findRegion } from '../../cli/deploy/deploy-stage.ts';
import { parseStage } from '../../cli/options/site-options.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

async function parse(): Promise<{ stage: string; region: string }> {
  const { values } = parseArgs({
    options: { stage: { type: 'string' }, region: { type: 'string' } },
  });
  const name = parseStage(values) ?? { stage: 'dev', region: undefined };
  return { stage: name.stage, region: await findRegion(name) };
}

const { stage, region } = await parse().catch((error: unknown) => {
  console.error(`starlift: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(2);
});
const program = `${root}node_modules/@osls/compose/bin/serverless-compose`;
const { status } = spawnSync(process.execPath, [program, 'deploy', '--stage', stage], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, AWS_REGION: region },
});
process.exitCode = status ?? 1;

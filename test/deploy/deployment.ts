import type { CommandResult } from '../helpers/processes/starlift.ts';
import { type Databases, type DeployedStage, openStage } from './deployed-stage.ts';
import { startGuardedDatabase } from './guarded-database.ts';
import { type MiniStack, startMiniStack } from './ministack.ts';

/** AWS, a source and a warehouse, before a stage is deployed between them. */
export interface Deployment extends Databases {
  aws: MiniStack;
  /** The stage, once it is deployed. */
  deployed: DeployedStage;
  stop(): Promise<void>;
}

/** @param fill fills the source's database, whose role may read then what is there */
export async function startDeployment(
  stage: string,
  fill: (source: Databases['source']) => Promise<unknown>,
): Promise<Deployment> {
  const [aws, source, warehouse] = await Promise.all([
    startMiniStack(),
    startGuardedDatabase('shop'),
    startGuardedDatabase('warehouse'),
  ]);
  const stop = async () => {
    await Promise.all([aws.stop(), source.stop(), warehouse.stop()]);
  };
  try {
    await fill(source);
    // The least that docs/deploy.md grants.
    await source.admin.query('grant usage on schema public to starlift');
    await source.admin.query('grant select on all tables in schema public to starlift');
    await warehouse.admin.query('grant create on database warehouse to starlift');
    await warehouse.admin.query('grant create, usage on schema public to starlift');
    return { aws, source, warehouse, deployed: openStage(stage, aws, { source, warehouse }), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @throws {Error} it has failed; with all that it has printed */
export function expectDone({ code, stdout, stderr }: CommandResult): void {
  if (code !== 0) throw new Error(`it ended with ${code}:\n${stdout}${stderr}`);
}

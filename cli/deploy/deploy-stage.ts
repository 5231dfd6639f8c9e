import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { findProjectFile, projectFolderOf } from '../configuration/find-project-file.ts';
import { readProjectFile } from '../configuration/project-file.ts';
import { loadDefinition } from '../project/load-model.ts';
import { formatStageOptions, onAws } from '../site/stage/find-stage.ts';
import type { StageName } from '../site/stage/open-stage.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { describeMended, mendStage } from './pause-stage.ts';
import { findOsls, runOsls } from './run-osls.ts';
import { openServiceFolders, serviceNames } from './service-folders.ts';

type Values = Readonly<Record<string, string | boolean | undefined>>;

/**
 * Deploys the services of a stage in the order of the flow; the first of them publishes the project's model
 * (scripts/stage/publish-model.cjs).
 *
 * @returns the exit code
 * @throws {UsageError} the project cannot be compiled, a parameter cannot be, there is no region, or osls is not installed
 */
export async function deployStage(name: StageName, values: Values, terminal: Terminal): Promise<number> {
  const program = findOsls();
  const project = findProject(values);
  await loadDefinition(project);
  const parameters = readStageParameters(project, name.stage);
  const region = await findRegion(name);
  const selector = formatStageOptions(name);
  using folders = openServiceFolders();
  for (const service of serviceNames) {
    const call = { program, folder: folders.folder(service), command: 'deploy', parameters } as const;
    const environment = { STARLIFT_PROJECT: project };
    const code = await runOsls({ ...call, stage: name.stage, region, environment });
    if (code === 0) continue;
    terminal.error(
      `${service} was not deployed, for the reason above. Services before it are; the same command goes on.`,
    );
    return 1;
  }
  const mended = await mendStage(name);
  if (mended === undefined) {
    terminal.info(`The stage ${name.stage} is deployed in ${region}. It is paused, and stays so until:`);
    terminal.info(`    npx starlift resume${selector}`);
    return 0;
  }
  for (const sentence of describeMended(mended)) terminal.info(sentence);
  terminal.info(`The stage ${name.stage} is deployed in ${region}. Where its secrets are empty yet:`);
  for (const what of ['source', 'warehouse'])
    terminal.info(`    npx starlift secrets put ${what}${selector}`);
  terminal.info('Then the schedule loads what is new, and so does, at once:');
  terminal.info(`    npx starlift run${selector}`);
  return 0;
}

/** Where the project is looked for. npm changes the working directory, and says where it was called. */
export function findProject(values: Values): string {
  if (typeof values.project === 'string') return projectFolderOf(values);
  return process.env.STARLIFT_PROJECT || process.env.INIT_CWD || process.cwd();
}

/** Those of starlift.yml; services/stages.yml has the others. */
export function readStageParameters(project: string, stage: string): Record<string, string> {
  const file = findProjectFile(project);
  return file === undefined ? {} : readProjectFile(file, process.env).stageParameters(stage);
}

/** @throws {UsageError} there is none, or its name cannot be one */
export const findRegion = ({ region }: StageName): Promise<string> =>
  onAws(() => new CloudFormationClient(region === undefined ? {} : { region }).config.region());

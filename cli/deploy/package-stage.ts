import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { StageName } from '../site/stage/open-stage.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { findProject, readStageParameters } from './deploy-stage.ts';
import { makePlainTemplate, parameterMark, plainParameters } from './plain-template.ts';
import { findOsls, runOsls } from './run-osls.ts';
import { openServiceFolders, type ServiceName, serviceNames } from './service-folders.ts';

interface Packaging {
  name: StageName;
  /** Where the templates and zips go. */
  target: string;
  values: Readonly<Record<string, string | boolean | undefined>>;
}

/**
 * Writes a stage as plain CloudFormation: a template with parameters and a zip for each service.
 *
 * @returns the exit code
 * @throws {UsageError} a parameter of the project cannot be, or osls is not installed
 */
export async function packageStage({ name, target, values }: Packaging, terminal: Terminal): Promise<number> {
  const program = findOsls();
  const { stage, region = 'us-east-1' } = name;
  const chosen = readStageParameters(findProject(values), stage);
  const marked = Object.fromEntries(plainParameters.map((each) => [each, parameterMark(each)]));
  const folder = resolve(target);
  mkdirSync(folder, { recursive: true });
  using folders = openServiceFolders();
  for (const service of serviceNames) {
    const own = folders.folder(service);
    const call = { program, folder: own, command: 'package', stage, region } as const;
    if ((await runOsls({ ...call, parameters: { ...chosen, ...marked } })) !== 0) {
      terminal.error(`${service} could not be packaged, for the reason above`);
      return 1;
    }
    const template = join(own, '.serverless/cloudformation-template-update-stack.json');
    const plain = makePlainTemplate(readFileSync(template, 'utf8'), service, chosen);
    // CloudFormation takes 51,200 bytes by themselves, and more by way of S3 only.
    writeFileSync(join(folder, `${service}.template.json`), `${JSON.stringify(plain)}\n`);
    copyFileSync(findZip(own, service), join(folder, `${service}.zip`));
  }
  printNext(stage, target, terminal);
  return 0;
}

/** A package has it beside the template, and a clone where osls has made it. */
function findZip(folder: string, service: ServiceName): string {
  const name = `starlift-${service}.zip`;
  const made = join(folder, '.serverless', name);
  return existsSync(made) ? made : join(folder, name);
}

function printNext(stage: string, target: string, terminal: Terminal): void {
  terminal.info(`${target} has a template and a zip for each service of the stage ${stage}. To deploy them:`);
  terminal.info(`    aws s3 cp ${target} s3://CODE/ --recursive --exclude '*' --include '*.zip'`);
  terminal.info(`    aws cloudformation deploy --stack-name starlift-ingestion-${stage} --template-file \\`);
  terminal.info(
    `        ${target}/ingestion.template.json --capabilities CAPABILITY_IAM --parameter-overrides CodeBucket=CODE`,
  );
  terminal.info(
    'Then transformation and loading, with the outputs of the stacks before them as parameters of the same names',
  );
  terminal.info('(ingestedBucket is IngestedBucket). Then the model and the secrets:');
  terminal.info(`    npx starlift publish --stage ${stage}`);
  for (const what of ['source', 'warehouse']) {
    terminal.info(`    npx starlift secrets put ${what} --stage ${stage}`);
  }
}

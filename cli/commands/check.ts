import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type pg from 'pg';
import { findProjectFile, projectFileName, projectFolderOf } from '../configuration/find-project-file.ts';
import { readProjectFile } from '../configuration/project-file.ts';
import { readRememberedModel } from '../configuration/remembered.ts';
import { formatFinding } from '../configuration/yaml-file.ts';
import { connect } from '../database/connect.ts';
import { defaultFolder } from '../embedded/resources.ts';
import { textOption } from '../options/site-options.ts';
import { checkProject } from '../project/check/check.ts';
import { allowNullInAdded, compareModels, describeFinding } from '../project/compare-models.ts';
import { loadDefinition } from '../project/load-model.ts';
import { findSourceUrl, findWarehouseSchema, knownSourceUrl } from '../project/source-url.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const folder = findProject(textOption(values.project));
    const isUpdate = values.update === true;
    const option = textOption(values.source);
    const warehouseUrl = textOption(values.warehouse);
    let sourceUrl: string | undefined;
    if (isUpdate || option !== undefined) sourceUrl = findSourceUrl(option, folder, process.env);
    // Whether a warehouse is the source's own database is known by both.
    else if (warehouseUrl !== undefined) sourceUrl = knownSourceUrl(folder, process.env);
    const source = sourceUrl === undefined ? undefined : await connect(sourceUrl, 'source');
    let warehouse: pg.Client | undefined;
    try {
      if (warehouseUrl !== undefined) warehouse = await connect(warehouseUrl, 'warehouse');
      const schema = findWarehouseSchema(folder, process.env);
      const findings = await checkProject({
        folder,
        source,
        warehouse: warehouse && { client: warehouse, schema },
        isUpdate,
      });
      for (const finding of findings) terminal.result(formatFinding(finding));
      if (findings.length === 0) {
        terminal.info('Nothing is wrong.');
        await tellOfMigration(folder, terminal);
      }
      return findings.length === 0 ? 0 : 2;
    } finally {
      await Promise.all([source?.end(), warehouse?.end()]);
    }
  },
};

/** What the data folder's tables are not yet, and a run would refuse. */
async function tellOfMigration(folder: string, terminal: Terminal): Promise<void> {
  const data = readProjectFile(join(folder, projectFileName), process.env).data() ?? defaultFolder;
  const inForce = existsSync(data) ? readRememberedModel(data) : undefined;
  if (inForce === undefined) return;
  const { definition } = await loadDefinition(folder);
  if (inForce.name !== definition.name) return;
  const findings = compareModels(inForce, allowNullInAdded(inForce, definition));
  if (findings.length === 0) return;
  terminal.info('The model in force has it otherwise, and starlift migrate changes the tables:');
  for (const finding of findings) terminal.info(`    ${describeFinding(finding)}`);
}

/** @throws {UsageError} there is none */
function findProject(option: string | undefined): string {
  if (option === undefined) {
    const file = findProjectFile(process.cwd());
    if (file !== undefined) return dirname(file);
    throw new UsageError(
      `no ${projectFileName} here, nor above: starlift init writes one, and --project names one`,
    );
  }
  return projectFolderOf({ project: option });
}

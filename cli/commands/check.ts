import { dirname } from 'node:path';
import type pg from 'pg';
import { findProjectFile, projectFileName, projectFolderOf } from '../configuration/find-project-file.ts';
import { formatFinding } from '../configuration/yaml-file.ts';
import { connect } from '../database/connect.ts';
import { textOption } from '../options/site-options.ts';
import { checkProject } from '../project/check/check.ts';
import { findSourceUrl, findWarehouseSchema, knownSourceUrl } from '../project/source-url.ts';
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
      if (findings.length === 0) terminal.info('Nothing is wrong.');
      return findings.length === 0 ? 0 : 2;
    } finally {
      await Promise.all([source?.end(), warehouse?.end()]);
    }
  },
};

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

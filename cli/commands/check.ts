import { dirname } from 'node:path';
import type pg from 'pg';
import { findProjectFile, projectFileName, projectFolderOf } from '../configuration/find-project-file.ts';
import { formatFinding } from '../configuration/yaml-file.ts';
import { connect } from '../database/connect.ts';
import { textOption } from '../options/site-options.ts';
import { checkProject } from '../project/check/check.ts';
import { adviseLargeTables } from '../project/check/large-tables.ts';
import { assembleProject, loadDefinition } from '../project/load-model.ts';
import { findPendingMigration } from '../project/pending-migration.ts';
import {
  findSourceUrl,
  findWarehouseSchema,
  knownSourceUrl,
  knownWarehouseUrl,
} from '../project/source-url.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const folder = findProject(textOption(values.project));
    const isUpdate = values.update === true;
    const isOffline = values.offline === true;
    const options = { source: textOption(values.source), warehouse: textOption(values.warehouse) };
    if (isOffline && (isUpdate || options.source !== undefined || options.warehouse !== undefined)) {
      throw new UsageError(
        '--offline checks the files alone: it does not go with --source, --warehouse or --update',
      );
    }
    const sourceUrl = isUpdate ? findSourceUrl(options.source, folder, process.env) : options.source;
    const source = isOffline ? {} : await ask('source', sourceUrl, knownSourceUrl(folder, process.env));
    let warehouse: Asked = {};
    try {
      if (!isOffline)
        warehouse = await ask('warehouse', options.warehouse, knownWarehouseUrl(folder, process.env));
      const schema = findWarehouseSchema(folder, process.env);
      const findings = await checkProject({
        folder,
        source: source.client,
        warehouse: warehouse.client && { client: warehouse.client, schema },
        isUpdate,
      });
      for (const finding of findings) terminal.result(formatFinding(finding));
      const unasked = [source.refusal, warehouse.refusal].filter((refusal) => refusal !== undefined);
      for (const refusal of unasked) terminal.error(`${refusal} (--offline checks the files alone)`);
      if (findings.length > 0) return 2;
      terminal.info(describeFitting(source, warehouse));
      if (source.client === undefined && source.refusal === undefined && !isOffline) {
        terminal.info('The source was not asked: --source or SOURCE_URL names it.');
      }
      const { definition } = await loadDefinition(folder);
      if (source.client !== undefined) {
        for (const advice of await adviseLargeTables(source.client, assembleProject(definition)))
          terminal.info(advice);
      }
      const pending = findPendingMigration(folder, definition);
      if (pending.length > 0)
        terminal.info('The model in force has it otherwise, and starlift migrate changes the tables:');
      for (const finding of pending) terminal.info(`    ${finding}`);
      return unasked.length === 0 ? 0 : 1;
    } finally {
      await Promise.all([source.client?.end(), warehouse.client?.end()]);
    }
  },
};

/** One of the databases; without either, nothing names it. */
interface Asked {
  client?: pg.Client;
  /** Why it could not be asked. */
  refusal?: string;
}

/**
 * @param option the URL that the command was given: it must answer
 * @param known the URL that the project or the environment names
 */
async function ask(
  what: 'source' | 'warehouse',
  option: string | undefined,
  known: string | undefined,
): Promise<Asked> {
  if (option !== undefined) return { client: await connect(option, what) };
  if (known === undefined) return {};
  try {
    return { client: await connect(known, what) };
  } catch (error) {
    if (error instanceof UsageError) return { refusal: error.message };
    throw error;
  }
}

/** @example 'Nothing is wrong: the files fit the source and the warehouse.' */
function describeFitting(source: Asked, warehouse: Asked): string {
  const asked = [...(source.client ? ['the source'] : []), ...(warehouse.client ? ['the warehouse'] : [])];
  return asked.length === 0
    ? 'Nothing is wrong with the files.'
    : `Nothing is wrong: the files fit ${asked.join(' and ')}.`;
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

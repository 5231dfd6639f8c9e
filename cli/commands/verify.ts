import { existsSync } from 'node:fs';
import type { Model } from '../../shared/model/model.ts';
import { readRemembered } from '../configuration/remembered.ts';
import { readSettings, type Settings } from '../configuration/settings.ts';
import { hidePassword } from '../database/database-url.ts';
import { type Databases, withDatabases } from '../options/open-databases.ts';
import { type OptionValues, parseStage, withSite } from '../options/site-options.ts';
import { assembleProject, findDefinition } from '../project/load-model.ts';
import type { Site } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { type Expectations, parseExpectations, readExpectFiles } from '../verify/expected/expect-files.ts';
import { maskKeyVariable } from '../verify/expected/masked-value.ts';
import { noteVerified } from '../verify/note-verified.ts';
import { showProgress } from '../verify/progress.ts';
import { printReport, toJson, type VerifyReport } from '../verify/report.ts';
import { verifyWarehouse } from '../verify/verify-warehouse.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    if (await hasSite(values)) {
      return withSite(values, async (site) => {
        const { connectSource } = site;
        if (connectSource === undefined) throw new Error('a stage or a data folder without a source');
        return verify({ ...site, connectSource }, site, { values, terminal });
      });
    }
    return withDatabases(values, (databases) => verify(databases, undefined, { values, terminal }));
  },
};

/** Whether more is known of the databases than they hold: a stage, or the data folder that belongs to them. */
async function hasSite(values: OptionValues): Promise<boolean> {
  if (parseStage(values) !== undefined) return true;
  const settings = await readSettings({ values });
  return existsSync(settings.data) && isOfFolder(settings);
}

function isOfFolder(settings: Settings): boolean {
  const remembered = readRemembered(settings.data);
  return (['source', 'warehouse'] as const).every((side) => {
    const url = settings[side];
    return (url && hidePassword(`--${side}`, url)) === remembered[side];
  });
}

async function verify(
  databases: Databases,
  site: Site | undefined,
  { values, terminal }: { values: OptionValues; terminal: Terminal },
): Promise<number> {
  const at = new Date();
  const report = await compare(databases, site, { values, terminal });
  printReport(report, site ?? { selector: '' }, terminal);
  if (site !== undefined) await noteVerified(site, report, at, terminal);
  if (terminal.json) terminal.result(JSON.stringify(toJson(report)));
  return report.ok ? 0 : 1;
}

/**
 * The model that is in force, and the queries of the project that the command runs in. Outside of any project those are the
 * sample shop's, which are of no other model.
 */
async function findModel(
  site: Site | undefined,
  values: OptionValues,
): Promise<{ model: Model; expectations: Expectations }> {
  const data = parseStage(values) === undefined ? (await readSettings({ values })).data : undefined;
  const { definition, folder } = await findDefinition(values, data);
  const model = site?.model ?? assembleProject(definition);
  if (folder !== undefined) {
    return { model, expectations: parseExpectations(readExpectFiles(folder), model) };
  }
  if (model.name !== definition.name) return { model, expectations: new Map() };
  const { expectFiles } = await import('../verify/expected/built-in-expectations.ts');
  return { model, expectations: parseExpectations(expectFiles, model) };
}

async function compare(
  databases: Databases,
  site: Site | undefined,
  { values, terminal }: { values: OptionValues; terminal: Terminal },
): Promise<VerifyReport> {
  const { model, expectations } = await findModel(site, values);
  const source = await databases.connectSource();
  try {
    const warehouse = await databases.connectWarehouse();
    const progress = showProgress(terminal);
    try {
      return await verifyWarehouse({
        source,
        warehouse,
        warehouseSchema: databases.warehouseSchema,
        model,
        expectations,
        maskKey: process.env[maskKeyVariable] || undefined,
        ...(site && { site }),
        ...progress,
      });
    } finally {
      progress.stop();
      await warehouse.end();
    }
  } finally {
    await source.end();
  }
}

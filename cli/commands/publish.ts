import { rememberModel } from '../configuration/remembered.ts';
import { readSettings } from '../configuration/settings.ts';
import { parseStage, withSite } from '../options/site-options.ts';
import { findDefinition } from '../project/load-model.ts';
import { describePublication, publishProject } from '../project/publish-project.ts';
import { describeBackfill, sendBackfill } from '../replay/backfill.ts';
import { commandFor } from '../site/site.ts';
import type { CommandModule } from './command-module.ts';

/** Puts the project's model in force: a change of it needs no deploy. */
export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    // First: a project that cannot be compiled is found before anything is started.
    const data = parseStage(values) === undefined ? (await readSettings({ values })).data : undefined;
    const project = await findDefinition(values, data);
    return withSite(values, async (site) => {
      const publication = await publishProject(site.ingested, project);
      if (data !== undefined) rememberModel(data, publication.definition);
      const backfill = await sendBackfill(site, publication);
      const { number, hash, outcome } = publication;
      if (terminal.json) {
        const model = project.definition.name;
        const folder = project.folder ?? null;
        terminal.result(
          JSON.stringify({ ok: true, outcome, number, hash, model, project: folder, backfill }),
        );
        return 0;
      }
      terminal.info(describePublication(publication, project));
      if (backfill.tables.length > 0) terminal.info(describeBackfill(backfill));
      if (outcome === 'in force already') return 0;
      terminal.info('The next plan goes by it. A running watch and a stage plan by themselves. Otherwise:');
      terminal.info(`    ${commandFor(site, 'run')}`);
      return 0;
    });
  },
};

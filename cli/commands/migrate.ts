import { readDefinitionInForce } from '../../shared/records/published-model.ts';
import { rememberModel } from '../configuration/remembered.ts';
import { readSettings } from '../configuration/settings.ts';
import { describeObstacle } from '../migrate/dependents.ts';
import { type MigrationSite, migrate, readMigration } from '../migrate/migrate.ts';
import { type MigrationPlan, planMigration } from '../migrate/plan.ts';
import { listDrops } from '../migrate/prune.ts';
import { parseStage, withSite } from '../options/site-options.ts';
import { findDefinition, type LoadedDefinition } from '../project/load-model.ts';
import { describePublication } from '../project/publish-project.ts';
import { assertDataFolder, readActivity } from '../site/embedded/running-note.ts';
import { commandFor, type Site } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatRows } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

/** Puts the project's model in force, and changes the warehouse's tables to it. */
export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const acceptsLost = values['accept-lost'] === true;
    // First: a project that cannot be compiled is found before anything is started.
    const data = parseStage(values) === undefined ? (await readSettings({ values })).data : undefined;
    const project = await findDefinition(values, data);
    if (values.plan === true && values.prune === true)
      throw new UsageError('--plan and --prune: choose one of them');
    if (values.plan === true) return withSite(values, (site) => showPlan(site, project, terminal));
    if (values.prune === true) return withSite(values, (site) => showDrops(site, terminal));
    if (data === undefined) {
      return withSite(values, (site) => runMigration(site, project, terminal, { acceptsLost }));
    }
    assertDataFolder(data);
    const onPublished: MigrationSite['onPublished'] = (definition) => rememberModel(data, definition);
    if (readActivity(data).isRunning) {
      return withSite(values, (site) => runMigration(site, project, terminal, { acceptsLost, onPublished }));
    }
    const { withServices } = await import('../migrate/with-services.ts');
    return withServices(await readSettings({ values }), project, terminal, (site, plan) =>
      runMigration(site, project, terminal, { acceptsLost, onPublished, plan }),
    );
  },
};

async function runMigration(
  site: Site,
  project: LoadedDefinition,
  terminal: Terminal,
  more: Pick<MigrationSite, 'onPublished' | 'plan' | 'acceptsLost'> = {},
): Promise<number> {
  const publication = await migrate(
    {
      ...site,
      ...more,
      // Where keys are to be enforced, the next load adds that.
      foreignKeys: 'declared',
      say: terminal.info,
      now: () => new Date(),
      waitMs: 15 * 60_000,
    },
    project,
  );
  const { number, hash, outcome } = publication;
  if (terminal.json) {
    terminal.result(JSON.stringify({ ok: true, outcome, number, hash, model: project.definition.name }));
  } else terminal.info(describePublication(publication, project));
  return 0;
}

async function showPlan(site: Site, project: LoadedDefinition, terminal: Terminal): Promise<number> {
  const client = await site.connectWarehouse();
  try {
    const { known, target } = await readMigration(site, project);
    const plan = await planMigration(
      { client, ingested: site.ingested, schema: site.warehouseSchema },
      known,
      target,
    );
    if (terminal.json) {
      terminal.result(JSON.stringify({ ok: plan.obstacles.length === 0, ...plan }));
    } else printPlan(plan, site, terminal);
    return plan.obstacles.length === 0 ? 0 : 1;
  } finally {
    await client.end();
  }
}

function printPlan(
  { steps, obstacles }: MigrationPlan,
  site: Pick<Site, 'selector'>,
  terminal: Terminal,
): void {
  if (steps.length === 0) terminal.info('The tables are those of the model: there is nothing to do.');
  for (const { table, text, rows, what, notes } of steps) {
    const count = rows === null || what === 'fill anew' ? '' : ` (${formatRows(rows)})`;
    terminal.info(`${table}: ${text}${count}`);
    for (const note of notes) terminal.info(`    ${note}`);
  }
  if (obstacles.length > 0) {
    terminal.info(`${terminal.style('red', '!')} These cannot be taken along:`);
    for (const line of obstacles.flatMap(describeObstacle)) terminal.info(line);
  } else if (steps.length > 0) {
    terminal.info('Nothing is changed yet. To do it:');
    terminal.info(`    ${commandFor(site, 'migrate')}`);
  }
}

async function showDrops(site: Site, terminal: Terminal): Promise<number> {
  const client = await site.connectWarehouse();
  try {
    const inForce = await readDefinitionInForce(site.ingested);
    if (inForce === undefined)
      throw new UsageError(`no model is in force yet: ${commandFor(site, 'run')} begins`);
    const drops = await listDrops(client, site.ingested, { schema: site.warehouseSchema, inForce });
    if (terminal.json) terminal.result(JSON.stringify({ ok: true, drops }));
    else if (drops.length === 0) terminal.info('Nothing has left the model that the warehouse still has.');
    else for (const drop of drops) terminal.result(drop);
    return 0;
  } finally {
    await client.end();
  }
}

import { createInterface } from 'node:readline/promises';
import { readSettings } from '../configuration/settings.ts';
import { parseStage } from '../options/site-options.ts';
import { loadModel } from '../project/load-model.ts';
import { type RebindOptions, rebindData, rebindStage } from '../rebind/rebind.ts';
import { dataSelector } from '../site/embedded/embedded-site.ts';
import { commandFor } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const confirm = makeConfirm(values.yes === true, terminal);
    const stage = parseStage(values);
    if (stage !== undefined) {
      const { withStage } = await import('../site/stage/open-stage.ts');
      return withStage(stage, loadModel, async (site) =>
        print(await rebindStage(site, confirm), site, terminal),
      );
    }
    const { data, source, warehouse } = await readSettings({ values });
    const schema = process.env.WAREHOUSE_SCHEMA || 'public';
    const outcome = await rebindData({ data, source, warehouse, schema, confirm });
    return print(outcome, { selector: dataSelector(data) }, terminal);
  },
};

/** Shows what is bound and what would be, and asks for a yes. */
const makeConfirm =
  (isYes: boolean, terminal: Terminal): RebindOptions['confirm'] =>
  async ({ before, now }) => {
    for (const side of ['source', 'warehouse'] as const) {
      terminal.info(`${side}:`);
      if (before !== undefined) terminal.info(`    until now  ${before[side]}`);
      terminal.info(`    from now   ${now[side]}`);
    }
    if (isYes) return true;
    if (process.stdin.isTTY !== true) {
      throw new UsageError('rebind asks before it changes anything, and nobody can answer: pass --yes');
    }
    const lines = createInterface({ input: process.stdin, output: process.stderr });
    try {
      return /^y(es)?$/i.test((await lines.question('Is this the same data, in a new place? [y/N] ')).trim());
    } finally {
      lines.close();
    }
  };

function print(
  outcome: Awaited<ReturnType<typeof rebindData>>,
  site: { selector: string },
  terminal: Terminal,
): number {
  if (terminal.json) terminal.result(JSON.stringify({ ok: outcome !== 'declined', outcome }));
  else if (outcome === 'as before')
    terminal.info('They are bound to each other already: nothing was changed.');
  else if (outcome === 'declined') terminal.info('Nothing was changed.');
  else {
    terminal.info('Bound. The next plan begins a new generation, and reads every table in full:');
    terminal.info(`    ${commandFor(site, 'run')}`);
  }
  return outcome === 'declined' ? 1 : 0;
}

import { siteOptions, siteUsage, withSite } from '../options/site-options.ts';
import { commandFor } from '../site/site.ts';
import { printStatus } from '../status/print-status.ts';
import { readStatus } from '../status/read-status.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  summary:
    'Shows what has been loaded, what is on its way, and what needs a hand, with the command that mends it. Exit 1 when anything does.',
  usage: `starlift status ${siteUsage}`,
  options: siteOptions,
  run: (values, _positionals, terminal) =>
    withSite(values, async (site) => {
      const status = await readStatus(site);
      if (terminal.json) terminal.result(JSON.stringify(status));
      else printStatus(status, terminal, site.selector === '' ? 'npm start' : commandFor(site, 'run'));
      return status.ok ? 0 : 1;
    }),
};

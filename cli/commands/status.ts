import { readMaxLag } from '../options/max-lag.ts';
import { withSite } from '../options/site-options.ts';
import { beginCommandFor } from '../site/site.ts';
import { printStatus } from '../status/print-status.ts';
import { readStatus } from '../status/read-status.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const maxLagSeconds = await readMaxLag(values);
    return withSite(values, async (site) => {
      const status = await readStatus(site, { maxLagSeconds });
      if (terminal.json) terminal.result(JSON.stringify(status));
      else printStatus(status, terminal, beginCommandFor(site));
      return status.ok ? 0 : 1;
    });
  },
};

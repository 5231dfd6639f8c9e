import { textOption, withSite } from '../options/site-options.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { printTrace } from '../trace/print-trace.ts';
import { traceRow } from '../trace/trace-row.ts';
import { parseTracedKey } from '../trace/traced-key.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, [name, key, surplus], terminal) => {
    if (surplus !== undefined) {
      throw new UsageError(
        `trace takes one table and one key: join the values of a key by commas (${key},${surplus})`,
      );
    }
    return withSite(values, async (site) => {
      const traced = parseTracedKey({ name, key, where: textOption(values.where) }, site.model);
      const trace = await traceRow(site, traced);
      if (terminal.json) terminal.result(JSON.stringify(trace));
      else printTrace(trace, terminal);
      return trace.ok ? 0 : 1;
    });
  },
};

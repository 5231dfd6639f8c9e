import { parseDuration } from '../configuration/duration.ts';
import { readSettings } from '../configuration/settings.ts';
import { parseStage, withSite } from '../options/site-options.ts';
import { commandFor } from '../site/site.ts';
import { printStatus } from '../status/print-status.ts';
import { readStatus } from '../status/read-status.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const maxLagSeconds = await readMaxLag(values);
    return withSite(values, async (site) => {
      const status = await readStatus(site, { maxLagSeconds });
      if (terminal.json) terminal.result(JSON.stringify(status));
      else printStatus(status, terminal, site.selector === '' ? 'npm start' : commandFor(site, 'run'));
      return status.ok ? 0 : 1;
    });
  },
};

/** @throws {UsageError} --max-lag is no duration */
async function readMaxLag(
  values: Readonly<Record<string, string | boolean | undefined>>,
): Promise<number | undefined> {
  const option = values['max-lag'];
  if (typeof option !== 'string') {
    // starlift.yml is about the databases of this machine.
    return parseStage(values) === undefined ? (await readSettings({ values })).freshnessSeconds : undefined;
  }
  const seconds = parseDuration(option);
  if (seconds === undefined)
    throw new UsageError(`--max-lag ${option} is no duration: use a number with s, m, h or d, such as 15m`);
  return seconds;
}

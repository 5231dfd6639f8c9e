import { targetOptions, targetUsage, withTarget } from '../options/site-options.ts';
import type { CommandModule } from '../parse-command.ts';
import { commandFor } from '../site/site.ts';
import { printStatus } from '../status/print-status.ts';
import { readStatus } from '../status/read-status.ts';

export const command: CommandModule = {
  summary:
    'Shows what has been loaded, what is on its way, and what needs a hand, with the command that mends it. Exit 1 when anything does.',
  usage: `starlift status ${targetUsage}`,
  options: targetOptions,
  run: (values, _positionals, terminal) =>
    withTarget(values, async (target) => {
      const status = await readStatus(target);
      if (terminal.json) terminal.result(JSON.stringify(status));
      else printStatus(status, terminal, target.selector === '' ? 'npm start' : commandFor(target, 'run'));
      return status.ok ? 0 : 1;
    }),
};

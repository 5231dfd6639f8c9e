import { parseSelection } from '../failures/list-failures.ts';
import { type Redriven, redrive } from '../failures/redrive.ts';
import { withSite } from '../options/site-options.ts';
import type { Site } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatCount } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const parse = parseSelection(values);
    const dryRun = values['dry-run'] === true;
    return withSite(values, async (site) => {
      const selection = parse(site.model);
      const redriven = await redrive(site, selection, { dryRun });
      const isComplete = redriven.every(({ outcome }) => outcome !== 'not received');
      if (terminal.json) terminal.result(JSON.stringify({ ok: isComplete, dryRun, redriven }));
      else printRedriven(redriven, site, terminal);
      return isComplete ? 0 : 1;
    });
  },
};

const sentences: Record<Redriven['outcome'], string> = {
  sent: 'sent back to the queue',
  moving: 'being moved back by SQS to the queue',
  'would be sent': 'would be sent back to the queue',
  'not received': 'not sent: another reader holds them; still dead letters of the queue',
};

function printRedriven(
  redriven: readonly Redriven[],
  { takenBy }: Pick<Site, 'takenBy'>,
  terminal: Terminal,
): void {
  if (redriven.length === 0) {
    terminal.info('No dead letter matches: nothing to send again.');
    return;
  }
  const counts = new Map<string, number>();
  for (const { queue, table, outcome } of redriven) {
    const line = `${sentences[outcome]} ${queue}${table === null ? '' : ` (${table})`}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  for (const [line, count] of counts) terminal.info(`${formatCount(count)} ${line}`);
  if (redriven.some(({ outcome }) => outcome === 'sent' || outcome === 'moving')) {
    terminal.info(takenBy);
  }
}

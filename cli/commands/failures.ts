import { type FailureGroup, groupFailures, listFailures, parseSelection } from '../failures/list-failures.ts';
import { withSite } from '../options/site-options.ts';
import { commandFor } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatTime } from '../terminal/time.ts';
import { formatCount } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

const shownKeys = 3;

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const selection = parseSelection(values);
    return withSite(values, async (site) => {
      const failures = await listFailures(site, selection);
      const groups = groupFailures(failures, site);
      if (terminal.json) terminal.result(JSON.stringify({ ok: failures.length === 0, failures: groups }));
      else if (groups.length === 0) terminal.info('Nothing has failed for good.');
      else {
        for (const group of groups) printGroup(group, terminal);
        terminal.info(`To send all of them again: ${commandFor(site, 'redrive')}`);
      }
      return failures.length === 0 ? 0 : 1;
    });
  },
};

function printGroup(group: FailureGroup, terminal: Terminal): void {
  const { table, queue, error, reason, count, attempts, firstSeen, lastSeen, messages, redrive } = group;
  const messageCount = count === 1 ? '1 message' : `${formatCount(count)} messages`;
  terminal.info(
    `${terminal.style('red', '!')} ${table ?? '(no table)'}, ${queue}: ${error === '' ? '' : `${error}: `}${reason}`,
  );
  const tried = attempts === null ? '' : `, ${attempts === 1 ? '1 attempt' : `${attempts} attempts`}`;
  const expired = messages.filter((message) => message.expired).length;
  const lost =
    expired === 0 ? '' : `, ${expired} of them expired from the queue and known only by their record in S3`;
  const seen =
    count === 1 ? `at ${formatTime(firstSeen)}` : `from ${formatTime(firstSeen)} to ${formatTime(lastSeen)}`;
  terminal.info(`    ${messageCount}${tried}, ${seen}${lost}`);
  for (const { key, messageId } of messages.slice(0, shownKeys))
    terminal.info(`    ${key ?? `message ${messageId}`}`);
  if (count > shownKeys) terminal.info(`    and ${(count - shownKeys).toLocaleString('en')} more`);
  terminal.info(`    ${redrive}`);
  terminal.info('');
}

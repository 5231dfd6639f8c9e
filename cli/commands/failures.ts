import { type DroppedFailure, dropFailures } from '../failures/drop.ts';
import { type FailureGroup, groupFailures, listFailures, parseSelection } from '../failures/list-failures.ts';
import { type OptionValues, withSite } from '../options/site-options.ts';
import { commandFor } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatTime } from '../terminal/time.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

const shownKeys = 3;

export const command: CommandModule = {
  run: async (values, [action, surplus], terminal) => {
    if (surplus !== undefined || (action !== undefined && action !== 'drop')) {
      throw new UsageError(
        `failures ${surplus ?? action}: the actions are failures (list) and failures drop`,
      );
    }
    if (action === 'drop') return drop(values, terminal);
    if (values.all === true || values['dry-run'] === true || values.message !== undefined) {
      throw new UsageError('--all, --message and --dry-run are only for failures drop');
    }
    const parse = parseSelection(values);
    return withSite(values, async (site) => {
      const selection = parse(site.model);
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

async function drop(values: OptionValues, terminal: Terminal): Promise<number> {
  const isNarrowed = ['table', 'queue', 'message'].some((option) => values[option] !== undefined);
  if (isNarrowed === (values.all === true)) {
    throw new UsageError('say which failures to drop: --table, --queue or --message, or --all for every one');
  }
  const dryRun = values['dry-run'] === true;
  const parse = parseSelection(values);
  return withSite(values, async (site) => {
    const selection = parse(site.model);
    const dropped = await dropFailures(site, selection, { dryRun });
    const isComplete = dropped.every(({ outcome }) => outcome !== 'not received');
    if (terminal.json) terminal.result(JSON.stringify({ ok: isComplete, dryRun, dropped }));
    else printDropped(dropped, terminal);
    return isComplete ? 0 : 1;
  });
}

const sentences: Record<DroppedFailure['outcome'], string> = {
  dropped: 'dropped from',
  'would be dropped': 'would be dropped from',
  'not received': 'not dropped, because another reader holds them: still dead letters of',
};

function printDropped(dropped: readonly DroppedFailure[], terminal: Terminal): void {
  if (dropped.length === 0) terminal.info('No failure matches: nothing to drop.');
  const counts = new Map<string, number>();
  for (const { queue, table, outcome } of dropped) {
    const line = `${sentences[outcome]} ${queue}${table === null ? '' : ` (${table})`}`;
    counts.set(line, (counts.get(line) ?? 0) + 1);
  }
  for (const [line, count] of counts) terminal.info(`${formatCount(count)} ${line}`);
}

function printGroup(group: FailureGroup, terminal: Terminal): void {
  const { table, queue, error, reason, count, attempts, firstSeen, lastSeen, messages, mend } = group;
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
  terminal.info(`    ${mend}`);
  terminal.info('');
}

import { formatRows } from '../format-count.ts';
import { describeGroup, groupFailures } from '../operator/list-failures.ts';
import { commandFor } from '../operator/target.ts';
import type { Terminal } from '../terminal.ts';
import type { RunReport } from './run-once.ts';

type Trouble = Pick<RunReport, 'selector' | 'deadLetters' | 'failures' | 'quarantined' | 'waiting'>;

const shownGroups = 10;

/** Each thing that needs a hand, with the command that mends it or shows more on a line of its own. */
export function formatTrouble(report: Trouble, { style }: Pick<Terminal, 'style'>): string[] {
  const { deadLetters, failures, quarantined } = report;
  const say = (text: string, hint: string) => [`${style('red', '!')} ${text}`, `    ${hint}`];
  const command = (text: string) => commandFor(report, text);
  const groups = groupFailures(
    deadLetters.map((letter) => ({ ...letter, isExpired: false })),
    report,
  );
  const unsent = failures.filter(({ table }) => !deadLetters.some((letter) => letter.table === table));
  return [
    ...groups
      .slice(0, shownGroups)
      .flatMap((group) => say(describeGroup(group), `when that is mended: ${group.redrive}`)),
    ...(groups.length > shownGroups
      ? say(`and ${groups.length - shownGroups} more failures`, command('failures'))
      : []),
    ...unsent.flatMap(({ table, reason }) =>
      say(`${table} cannot be extracted: ${reason}`, `when that is mended: ${command('run')}`),
    ),
    ...[...quarantined].flatMap(([table, rows]) =>
      say(`${formatRows(rows)} of ${table} broke the contract`, command(`quarantine --table ${table}`)),
    ),
    ...[...waitingByTable(report)].flatMap(([table, rows]) =>
      say(
        `${formatRows(rows)} of ${table} ${rows === 1 ? 'waits' : 'wait'}`,
        command(`waiting --table ${table}`),
      ),
    ),
  ];
}

function waitingByTable({ waiting }: Trouble): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { table, rows } of waiting) counts.set(table, (counts.get(table) ?? 0) + rows);
  return counts;
}

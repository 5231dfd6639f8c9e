import { openStack } from '../embedded/open-stack.ts';
import type { CommandModule } from '../parse-command.ts';
import { readStatus, type Status } from '../status/read-status.ts';
import { formatTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';

export const command: CommandModule = {
  summary:
    'Shows what has been loaded, what is on its way, and what needs a hand. Exit 1 when anything does.',
  usage: 'starlift status [--data DIR] [--json]',
  options: { data: { type: 'string', default: '.starlift' }, json: { type: 'boolean', default: false } },
  run: async (values, _positionals, terminal) => {
    const stack = await openStack({ data: String(values.data) });
    try {
      const status = await readStatus(stack);
      if (terminal.json) terminal.result(JSON.stringify(status));
      else printStatus(status, terminal);
      return status.ok ? 0 : 1;
    } finally {
      await stack.release();
    }
  },
};

const right = (name: string) => ({ name, align: 'right' as const });
const showCount = (count: number): string => count.toLocaleString('en');

function printStatus({ ok, tables, queues, deadLetters }: Status, terminal: Terminal): void {
  if (tables.length === 0) {
    terminal.info('Nothing has been loaded yet: npm start begins.');
    return;
  }
  const print = (lines: string[]) => lines.forEach((line) => void terminal.info(line));
  print(
    formatTable(
      [
        { name: 'table' },
        right('rows'),
        right('waiting'),
        right('quarantined'),
        right('dead letters'),
        { name: 'last loaded (UTC)' },
      ],
      tables.map((table) => [
        table.table,
        ...[table.rows, table.waiting, table.quarantined, table.deadLetters].map(showCount),
        table.loadedAt?.slice(0, 19).replace('T', ' ') ?? 'never',
      ]),
    ),
  );
  terminal.info('');
  print(
    formatTable(
      [{ name: 'queue' }, right('ready'), right('in flight'), right('dead letters')],
      queues.map(({ queue, ready, inFlight, deadLetters: dead }) => [
        queue,
        ...[ready, inFlight, dead].map(showCount),
      ]),
    ),
  );
  terminal.info('');
  for (const { queue, table, key, reason } of deadLetters) {
    terminal.info(
      `${terminal.style('red', '!')} ${queue}: ${[table, key].filter(Boolean).join(' ')}: ${reason}`,
    );
  }
  terminal.info(
    ok
      ? terminal.style('green', 'Nothing needs a hand.')
      : terminal.style('yellow', 'Something needs a hand.'),
  );
}

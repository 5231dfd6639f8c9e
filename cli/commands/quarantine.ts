import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { listQuarantine, type QuarantineFile } from '../operator/quarantine.ts';
import { type Released, release } from '../operator/release.ts';
import { parseTable, parseTableOption } from '../operator/table-names.ts';
import { commandFor, type OperatorTarget } from '../operator/target.ts';
import {
  type OptionValues,
  targetOptions,
  targetUsage,
  textOption,
  withTarget,
} from '../operator/target-options.ts';
import type { CommandModule } from '../parse-command.ts';
import type { Terminal } from '../terminal.ts';
import { UsageError } from '../usage-error.ts';

const shownRows = 5;

export const command: CommandModule = {
  summary:
    'Shows the rows that broke the contract, each with its reason; release puts them through again when contract or source is mended. Exit 1 when there is any.',
  usage: `starlift quarantine [--table T] ${targetUsage}; starlift quarantine release --table T [--file KEY] ${targetUsage}`,
  options: { ...targetOptions, table: { type: 'string' }, file: { type: 'string' } },
  allowPositionals: true,
  run: async (values, [action = 'list', surplus], terminal) => {
    if (surplus !== undefined || (action !== 'list' && action !== 'release')) {
      throw new UsageError(
        `quarantine ${surplus ?? action}: it can be listed, or released by quarantine release`,
      );
    }
    return action === 'list' ? list(values, terminal) : releaseTable(values, terminal);
  },
};

async function list(values: OptionValues, terminal: Terminal): Promise<number> {
  if (textOption(values.file) !== undefined) throw new UsageError('--file belongs to quarantine release');
  const { tables } = parseTableOption(textOption(values.table), starSchema);
  return withTarget(values, async (target) => {
    const all = await listQuarantine(target, starSchema, tables);
    const files = all.filter(({ quarantined }) => quarantined > 0);
    if (terminal.json) terminal.result(JSON.stringify({ ok: files.length === 0, files }));
    else if (files.length === 0) terminal.info('No row is in quarantine.');
    else printFiles(files, target, terminal);
    return files.length === 0 ? 0 : 1;
  });
}

function printFiles(
  files: readonly QuarantineFile[],
  target: Pick<OperatorTarget, 'selector'>,
  terminal: Terminal,
): void {
  for (const table of new Set(files.map((file) => file.table))) {
    for (const file of files.filter((each) => each.table === table)) printFile(file, terminal);
    terminal.info(
      `When the contract is mended: ${commandFor(target, `quarantine release --table ${table}`)}`,
    );
    terminal.info('A row that is mended in the source comes by itself with the next run.');
    terminal.info('');
  }
}

function printFile({ table, file, rows, quarantined }: QuarantineFile, terminal: Terminal): void {
  const count = quarantined === 1 ? '1 row' : `${quarantined.toLocaleString('en')} rows`;
  terminal.info(`${terminal.style('red', '!')} ${count} of ${table} broke the contract`);
  terminal.info(`    ${file}`);
  for (const { line, key, column, reason } of rows.slice(0, shownRows)) {
    terminal.info(
      `    line ${line}, key ${key ?? 'unknown'}: ${column === null ? '' : `${column} `}${reason}`,
    );
  }
  const hidden = quarantined - Math.min(rows.length, shownRows);
  if (hidden > 0) terminal.info(`    and ${hidden.toLocaleString('en')} more (--json shows them all)`);
}

async function releaseTable(values: OptionValues, terminal: Terminal): Promise<number> {
  const name = textOption(values.table);
  if (name === undefined) throw new UsageError('--table is missing: it names the table to release');
  const { tables } = parseTable(name, starSchema);
  return withTarget(values, async (target) => {
    const released = await release(target, starSchema, { tables, file: textOption(values.file) });
    if (terminal.json) terminal.result(JSON.stringify({ ok: true, ...released }));
    else printReleased(released, { table: name, takenBy: target.takenBy }, terminal);
    return 0;
  });
}

function printReleased(
  { files, rows }: Released,
  { table, takenBy }: { table: string; takenBy: string },
  terminal: Terminal,
): void {
  if (files.length === 0) {
    terminal.info(`No row of ${table} is in quarantine: nothing to release.`);
    return;
  }
  const slices = files.length === 1 ? '1 object' : `${files.length.toLocaleString('en')} objects`;
  terminal.info(`${slices} with ${rows.toLocaleString('en')} quarantined rows sent to be transformed again`);
  terminal.info(takenBy);
}

import type { QuarantineFile } from '../../shared/quarantine/quarantine-file.ts';
import { parseTable, parseTableOption } from '../options/named-tables.ts';
import { type OptionValues, textOption, withSite } from '../options/site-options.ts';
import { listQuarantine } from '../quarantine/list-quarantine.ts';
import { dropQuarantined, type Released, release } from '../quarantine/resolve-quarantine.ts';
import { commandFor, type Site } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount, formatObjects, formatRows } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

const shownRows = 5;

export const command: CommandModule = {
  run: async (values, [action = 'list', surplus], terminal) => {
    if (surplus === undefined && action === 'list') return list(values, terminal);
    if (surplus === undefined && action === 'release') return releaseTable(values, terminal);
    if (surplus === undefined && action === 'drop') return dropRows(values, terminal);
    throw new UsageError(
      `quarantine ${surplus ?? action}: the actions are quarantine (list), quarantine release and quarantine drop`,
    );
  },
};

async function list(values: OptionValues, terminal: Terminal): Promise<number> {
  if (textOption(values.file) !== undefined) {
    throw new UsageError('--file is only for quarantine release and quarantine drop');
  }
  refuseDropOptions(values);
  return withSite(values, async (site) => {
    const { tables } = parseTableOption(textOption(values.table), site.model);
    const all = await listQuarantine(site, site.model, tables);
    const files = all.filter(({ quarantined }) => quarantined > 0);
    if (terminal.json) terminal.result(JSON.stringify({ ok: files.length === 0, files }));
    else if (files.length === 0) terminal.info('No row is in quarantine.');
    else printFiles(files, site, terminal);
    return files.length === 0 ? 0 : 1;
  });
}

function refuseDropOptions(values: OptionValues): void {
  for (const option of ['key', 'gone'])
    if (values[option] !== undefined) throw new UsageError(`--${option} is only for quarantine drop`);
}

function printFiles(
  files: readonly QuarantineFile[],
  site: Pick<Site, 'selector'>,
  terminal: Terminal,
): void {
  for (const table of new Set(files.map((file) => file.table))) {
    for (const file of files.filter((each) => each.table === table)) printFile(file, terminal);
    terminal.info(`After a fix in the contract: ${commandFor(site, `quarantine release --table ${table}`)}`);
    terminal.info('A row that is fixed in the source is loaded by the next run.');
    const drop = commandFor(site, `quarantine drop --table ${table}`);
    terminal.info(
      `To give up on one row (add --key K), on those that the source has lost (add --gone), or on all: ${drop}`,
    );
    terminal.info('');
  }
}

function printFile(file: QuarantineFile, terminal: Terminal): void {
  const { table, quarantined } = file;
  terminal.info(`${terminal.style('red', '!')} ${formatRows(quarantined)} of ${table} broke the contract`);
  printRows(file, terminal);
}

function printRows({ file, rows, quarantined }: QuarantineFile, terminal: Terminal): void {
  terminal.info(`    ${file}`);
  for (const { line, key, column, reason } of rows.slice(0, shownRows)) {
    terminal.info(
      `    line ${line}, key ${key ?? 'unknown'}: ${column === null ? '' : `${column} `}${reason}`,
    );
  }
  const hidden = quarantined - Math.min(rows.length, shownRows);
  if (hidden > 0) terminal.info(`    and ${formatCount(hidden)} more (--json shows them all)`);
}

async function releaseTable(values: OptionValues, terminal: Terminal): Promise<number> {
  const name = requiredTable(values, 'release');
  refuseDropOptions(values);
  return withSite(values, async (site) => {
    const { tables } = parseTable(name, site.model);
    const released = await release(site, site.model, { tables, file: textOption(values.file) });
    if (terminal.json) terminal.result(JSON.stringify({ ok: true, ...released }));
    else printReleased(released, { table: name, takenBy: site.takenBy }, terminal);
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
  const slices = formatObjects(files.length);
  terminal.info(
    `${slices} with ${rows === 1 ? '1 quarantined row' : `${formatCount(rows)} quarantined rows`} sent to be transformed again`,
  );
  terminal.info(takenBy);
}

function requiredTable(values: OptionValues, action: string): string {
  const name = textOption(values.table);
  if (name === undefined) throw new UsageError(`--table is missing: it names the table to ${action}`);
  return name;
}

async function dropRows(values: OptionValues, terminal: Terminal): Promise<number> {
  const name = requiredTable(values, 'drop rows of');
  return withSite(values, async (site) => {
    const { tables } = parseTable(name, site.model);
    const isGone = values.gone === true;
    if (isGone && site.connectSource === undefined)
      throw new UsageError('--gone asks the source, which cannot be reached from here');
    const selection = { tables, file: textOption(values.file), key: textOption(values.key), isGone };
    const files = await dropQuarantined(site, site.model, selection);
    if (terminal.json) terminal.result(JSON.stringify({ ok: true, dropped: files }));
    else if (files.length === 0 && isGone) {
      terminal.info(`The source still has each row of ${name} that is in quarantine: nothing to drop.`);
    } else printDropped(files, name, site, terminal);
    return 0;
  });
}

function printDropped(
  files: readonly QuarantineFile[],
  name: string,
  site: Pick<Site, 'selector'>,
  terminal: Terminal,
): void {
  if (files.length === 0) terminal.info(`No row of ${name} is in quarantine: nothing to drop.`);
  for (const file of files) {
    const { table, quarantined } = file;
    terminal.info(`${formatRows(quarantined)} of ${table} dropped`);
    printRows(file, terminal);
    const again = commandFor(site, `quarantine release --table ${table} --file ${file.file}`);
    terminal.info(`The file is kept as their record. To send them through again: ${again}`);
  }
}

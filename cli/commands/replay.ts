import type { Model } from '../../shared/model/model.ts';
import { parseTable } from '../options/named-tables.ts';
import { type OptionValues, textOption, withSite } from '../options/site-options.ts';
import { type Replay, type ReplaySelection, replay, type Zone } from '../replay/replay.ts';
import { commandFor, type Site } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const parse = parseReplay(values);
    const dryRun = values['dry-run'] === true;
    return withSite(values, async (site) => {
      const selection = parse(site.model);
      const replayed = await replay(site, site.model, selection, { dryRun });
      const isWhole = replayed.tables.every(({ lost }) => lost === null || lost === 0);
      if (terminal.json) {
        const { id, tables } = replayed;
        terminal.result(
          JSON.stringify({ ok: isWhole, dryRun, zone: selection.zone, replay: dryRun ? null : id, tables }),
        );
      } else printReplay(replayed, { ...selection, dryRun, site }, terminal);
      return isWhole ? 0 : 1;
    });
  },
};

/** @throws {UsageError} no table, an unknown table, an invalid date, or a period that ends before it begins */
function parseReplay(values: OptionValues): (model: Model) => ReplaySelection {
  const table = textOption(values.table);
  if (table === undefined) throw new UsageError('--table is missing: it names the table to replay');
  const from = parseDay('--from', textOption(values.from));
  const to = parseDay('--to', textOption(values.to));
  if (from !== undefined && to !== undefined && from > to) {
    throw new UsageError(`--from ${from} is after --to ${to}`);
  }
  const zone = parseZone(textOption(values.zone) ?? '');
  return (model) => {
    const tables = parseTable(table, model);
    if (zone === 'ingested' && tables.sources.length === 0) {
      throw new UsageError(`${table} is made from the dates that facts name: use --zone processed`);
    }
    if (zone === 'processed' && tables.tables.length === 0) {
      throw new UsageError(
        `${table} ends in the ingested zone, and no warehouse table is made from it: use --zone ingested`,
      );
    }
    return { tables, zone, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  };
}

function parseZone(text: string): Zone {
  if (text === 'ingested' || text === 'processed') return text;
  throw new UsageError(`--zone ${text} is neither ingested nor processed`);
}

function parseDay(option: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  // 30 February is the 1st of March to Date.
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text) {
    throw new UsageError(`${option} ${text} is not a date (expected YYYY-MM-DD)`);
  }
  return text;
}

function printReplay(
  { tables }: Replay,
  { zone, dryRun, site }: { zone: Zone; dryRun: boolean; site: Pick<Site, 'takenBy' | 'selector'> },
  terminal: Terminal,
): void {
  const end = `to be ${zone === 'ingested' ? 'transformed' : 'loaded'} again`;
  for (const { table, objects, lost } of tables) {
    const what = `${formatCount(objects)} ${objects === 1 ? 'object' : 'objects'} of ${table}`;
    terminal.info(`${what} ${dryRun ? 'would be' : objects === 1 ? 'was' : 'were'} sent ${end}`);
    if (lost === null || lost === 0) continue;
    const gone = `${formatCount(lost)} ${lost === 1 ? 'object' : 'objects'} of ${table} that ${lost === 1 ? 'was' : 'were'} loaded`;
    terminal.info(
      `${terminal.style('red', '!')} ${gone} cannot be found in the ${zone} zone. To bring back the rows:`,
    );
    terminal.info(
      `    ${commandFor(site, zone === 'ingested' ? `resync --table ${table}` : `rebuild ${table}`)}`,
    );
  }
  if (!dryRun && tables.some(({ objects }) => objects > 0)) {
    terminal.info(site.takenBy);
  }
}

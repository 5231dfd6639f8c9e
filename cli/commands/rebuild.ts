import type { Model } from '../../shared/model/model.ts';
import { type OptionValues, withSite } from '../options/site-options.ts';
import { type RebuiltTable, rebuild } from '../rebuild/rebuild.ts';
import { commandFor, type Site } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount, formatObjects } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, names, terminal) => {
    return withSite(values, async (site) => {
      const tables = chooseTables(values, names, site.model);
      const rebuilt = await rebuild(site, site.model, tables);
      const isWhole = rebuilt.every(({ lost }) => lost === 0);
      if (terminal.json) terminal.result(JSON.stringify({ ok: isWhole, tables: rebuilt }));
      else printRebuilt(rebuilt, site, terminal);
      return isWhole ? 0 : 1;
    });
  },
};

/** @returns warehouse tables in the model's order, in which facts come after what they name */
function chooseTables(values: OptionValues, names: readonly string[], model: Model): string[] {
  const known = model.tables.map(({ name }) => name);
  if (values.all === true) {
    if (names.length > 0) throw new UsageError(`--all rebuilds every table: leave out ${names.join(' ')}`);
    return known;
  }
  if (names.length === 0) throw new UsageError('name the warehouse tables to rebuild, or pass --all');
  const chosen = names.flatMap((name) => tablesMadeOf(name, known, model));
  return known.filter((name) => chosen.includes(name));
}

/** A source table stands for the warehouse tables that are made of it. */
function tablesMadeOf(name: string, known: readonly string[], { sources }: Model): readonly string[] {
  if (known.includes(name)) return [name];
  const feeds = sources.find((source) => source.name === name)?.feeds ?? [];
  if (feeds.length > 0) return feeds;
  throw new UsageError(`${name} is not a warehouse table; the tables are ${known.join(', ')}`);
}

function printRebuilt(
  rebuilt: readonly RebuiltTable[],
  site: Pick<Site, 'selector' | 'takenBy'>,
  terminal: Terminal,
): void {
  for (const { table, source, isMade, loaded, transformed, lost } of rebuilt) {
    const made = isMade ? 'is made again' : 'keeps the rows it has';
    terminal.info(`${table} ${made}: ${formatObjects(loaded)} of it sent to be loaded`);
    if (transformed > 0) {
      terminal.info(`    ${formatObjects(transformed)} that S3 has lost sent to be transformed again`);
    }
    if (lost === 0) continue;
    const lostObjects = lost === 1 ? '1 object of it is' : `${formatCount(lost)} objects of it are`;
    terminal.info(
      `${terminal.style('red', '!')} ${lostObjects} in neither zone any more. Read it from the source:`,
    );
    terminal.info(`    ${commandFor(site, source === null ? 'resync' : `resync --table ${source}`)}`);
  }
  terminal.info(site.takenBy);
  terminal.info(`Until all of them are loaded, ${commandFor(site, 'status')} calls the table unfinished.`);
}

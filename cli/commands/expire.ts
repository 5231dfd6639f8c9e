import type { ExpiredTable, TableToExpire } from '../../services/loading/expire/expire-objects.ts';
import { fewestDays } from '../../shared/expire-after.ts';
import { parseDuration } from '../configuration/duration.ts';
import { findProjectFile, projectFileName, projectFolderOf } from '../configuration/find-project-file.ts';
import { readProjectFile } from '../configuration/project-file.ts';
import { expire } from '../expire/expire.ts';
import { parseTableOption } from '../options/named-tables.ts';
import { type OptionValues, textOption, withSite } from '../options/site-options.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const table = textOption(values.table);
    if (table === undefined && values.all !== true) {
      throw new UsageError(
        '--table is missing: it names the table to expire objects of; --all stands for all of them',
      );
    }
    if (table !== undefined && values.all === true) throw new UsageError('pass --table or --all, not both');
    const ageOf = readAges(values);
    const dryRun = values['dry-run'] === true;
    return withSite(values, async (site) => {
      const { sources } = parseTableOption(table, site.model);
      const tables = chooseTables(sources, ageOf);
      if (tables.length === 0) {
        throw new UsageError(
          `nothing says how old objects of ${sources.join(', ')} may become: pass --older-than, or set expire in ${projectFileName}`,
        );
      }
      const expired = await expire(site, { tables, dryRun });
      if (terminal.json) terminal.result(JSON.stringify({ ok: true, dryRun, tables: expired }));
      else for (const each of expired) printExpired(each, dryRun, terminal);
      return 0;
    });
  },
};

type AgeOf = (source: string) => { seconds: number; where: string } | undefined;

/** --older-than for all tables, else what starlift.yml says of each. */
function readAges(values: OptionValues): AgeOf {
  const text = textOption(values['older-than']);
  if (text !== undefined) {
    const seconds = parseDuration(text);
    if (seconds === undefined)
      throw new UsageError(`--older-than ${text} is no duration: use a number with d, such as 400d`);
    return () => ({ seconds, where: `--older-than ${text}` });
  }
  const path = findProjectFile(projectFolderOf(values));
  const file = path === undefined ? undefined : readProjectFile(path, process.env);
  return (source) => {
    const seconds = file?.expireSeconds(source);
    return seconds === undefined
      ? undefined
      : { seconds, where: `expire of ${source} in ${projectFileName}` };
  };
}

/** Leaves out a table that has no age. */
function chooseTables(sources: readonly string[], ageOf: AgeOf): TableToExpire[] {
  return sources.flatMap((table) => {
    const age = ageOf(table);
    if (age === undefined) return [];
    if (age.seconds < fewestDays * 86_400) {
      throw new UsageError(
        `${age.where} is too little: within ${fewestDays} days a sweep would make anew what is not there`,
      );
    }
    return [{ table, before: new Date(Date.now() - age.seconds * 1000) }];
  });
}

function printExpired(
  { table, ingested, processed, quarantined, bytes, kept }: ExpiredTable,
  dryRun: boolean,
  terminal: Terminal,
): void {
  const counts = `${formatCount(ingested)} ingested, ${formatCount(processed)} processed, ${formatCount(quarantined)} of quarantine`;
  const megabytes = (bytes / 1e6).toFixed(1);
  terminal.info(`${table}: ${counts} ${dryRun ? 'would be' : 'were'} deleted, ${megabytes} MB`);
  if (kept > 0)
    terminal.info(
      `    ${formatCount(kept)} as old ${kept === 1 ? 'stays' : 'stay'}: not loaded, or with bad rows that still count`,
    );
}

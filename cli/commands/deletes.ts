import type { Verdict } from '../../shared/census/verdict.ts';
import { decideHeld } from '../deletes/decide.ts';
import { listDeletes, type TableDeletes } from '../deletes/list-deletes.ts';
import { parseTableOption } from '../options/named-tables.ts';
import { textOption, withSite } from '../options/site-options.ts';
import { commandFor, type Site } from '../site/site.ts';
import { formatTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatTime } from '../terminal/time.ts';
import { formatCount } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, positionals, terminal) => {
    return withSite(values, async (site) => {
      const selection = parseTableOption(textOption(values.table), site.model);
      const [word] = positionals;
      if (word !== 'apply' && word !== 'dismiss')
        return list(site, await listDeletes(site, selection), terminal);
      const decided = await decideHeld(site, selection, word, new Date());
      return tellDecided(site, { word, decided }, terminal);
    });
  },
};

function list(site: Site, tables: readonly TableDeletes[], terminal: Terminal): number {
  const held = tables.filter(({ census }) => census?.state === 'held');
  if (terminal.json) {
    terminal.result(JSON.stringify({ ok: held.length === 0, tables }));
    return held.length === 0 ? 0 : 1;
  }
  const rows = tables.map(({ table, deletes, marked, removed, census }) => [
    table,
    marked === null ? '' : formatCount(marked),
    removed === null ? '' : formatCount(removed),
    census === null
      ? { mark: 'none yet', remove: 'none yet', keep: 'none: deleted rows are kept' }[deletes]
      : `${census.state} ${formatTime(census.at)}`,
  ]);
  const columns = [
    { name: 'table' },
    { name: 'marked as deleted', align: 'right' as const },
    { name: 'removed', align: 'right' as const },
    { name: 'last census' },
  ];
  for (const line of formatTable(columns, rows, terminal.columns)) terminal.verbatim(line);
  for (const { table, deletes, census } of held) {
    terminal.info(
      `${terminal.style('red', '!')} ${table}: ${census?.reason ?? 'too many keys are gone'}; no row is ${deletes === 'remove' ? 'removed' : 'marked'}`,
    );
    terminal.info(
      `    if they are deleted on purpose: ${commandFor(site, `deletes apply --table ${table}`)}`,
    );
    terminal.info(`    if it was a mistake: ${commandFor(site, `deletes dismiss --table ${table}`)}`);
  }
  return held.length === 0 ? 0 : 1;
}

function tellDecided(
  site: Site,
  { word, decided }: { word: Verdict; decided: Awaited<ReturnType<typeof decideHeld>> },
  terminal: Terminal,
): number {
  if (terminal.json) {
    const censuses = decided.map(({ table, reason, at, run }) => ({ table, reason, at, run }));
    terminal.result(JSON.stringify({ ok: true, censuses }));
    return 0;
  }
  if (decided.length === 0) terminal.info('No census is held.');
  for (const { table, reason, at } of decided) {
    const what = word === 'apply' ? 'is applied' : 'is forgotten';
    terminal.info(`The census of ${table} that was held at ${formatTime(at)} (${reason ?? ''}) ${what}.`);
  }
  if (decided.length > 0) terminal.info(site.takenBy);
  return 0;
}

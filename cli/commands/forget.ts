import type { Model, SourceTable } from '../../shared/model/model.ts';
import { type ForgottenRow, listForgetting, listForgotten } from '../../shared/records/forgotten.ts';
import { forgetRow } from '../forget/forget.ts';
import { type GivenField, givenFieldsOf } from '../forget/forgotten-row.ts';
import { type OptionValues, textOption, withSite } from '../options/site-options.ts';
import { commandFor, type Site } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatTime } from '../terminal/time.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount, formatObjects, formatRows } from '../terminal/wording.ts';
import { parseTracedKey } from '../trace/traced-key.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    if (values.list === true) return list(values, terminal);
    const name = textOption(values.table);
    if (name === undefined)
      throw new UsageError('--table is missing: it names the table whose row to forget');
    return withSite(values, async (site) => {
      const { source, given } = parseRow(name, values, site.model);
      const row = await forgetRow(
        site,
        { source, given, withFacts: values['with-facts'] === true },
        { onWait: () => terminal.info('Waiting until what is under way has ended.') },
      );
      if (terminal.json) terminal.result(JSON.stringify({ ok: true, ...row }));
      else printForgotten(row, site, terminal);
      return 0;
    });
  },
};

function parseRow(
  name: string,
  values: OptionValues,
  model: Model,
): { source: SourceTable; given: GivenField[] } {
  const [key, where] = [textOption(values.key), textOption(values.where)];
  if (key === undefined && where === undefined)
    throw new UsageError('--key is missing: it says which row to forget');
  const ingestedOnly = model.sources.find((source) => source.name === name && source.feeds.length === 0);
  if (ingestedOnly !== undefined) return parseIngestedOnly(ingestedOnly, key);
  const traced = parseTracedKey({ name, key, where }, model);
  return { source: traced.table.source, given: givenFieldsOf(traced) };
}

function parseIngestedOnly(
  source: SourceTable,
  key: string | undefined,
): { source: SourceTable; given: GivenField[] } {
  const texts = source.key.length === 1 ? [key ?? ''] : (key ?? '').split(',').map((text) => text.trim());
  if (key === undefined || texts.length !== source.key.length)
    throw new UsageError(`the key of ${source.name} is ${source.key.join(',')}: pass it by --key`);
  return { source, given: source.key.map((field, index) => ({ field, text: texts[index] ?? '' })) };
}

function printForgotten(
  { table, removed }: ForgottenRow,
  site: Pick<Site, 'selector' | 'activity'>,
  terminal: Terminal,
): void {
  const { ingested, processed, quarantined, loaded, waiting, objects, oldVersions } = removed;
  if (Object.values(removed).every((count) => count === 0)) {
    terminal.info(`Nothing of this row of ${table} was left: nothing to forget.`);
    return;
  }
  terminal.info(`${terminal.style('green', '=')} the row of ${table} is forgotten`);
  const parts = [
    [loaded, 'of the warehouse'],
    [waiting, 'that waited'],
    [quarantined, 'in quarantine'],
    [ingested, 'of the ingested zone'],
    [processed, 'of the processed zone'],
  ] as const;
  for (const [count, where] of parts) if (count > 0) terminal.info(`    ${formatRows(count)} ${where}`);
  if (objects > 0) terminal.info(`    ${formatObjects(objects)} replaced`);
  if (oldVersions > 0)
    terminal.info(
      `    ${oldVersions === 1 ? '1 old version' : `${formatCount(oldVersions)} old versions`} in S3 deleted`,
    );
  if (objects > 0 && !site.activity.isRunning) {
    terminal.info(
      `Their events are on the queues until the next run, which finds nothing new in them: ${commandFor(site, 'run')}`,
    );
  }
  terminal.info(
    `Backups, logs and what others have copied keep theirs. The record: ${commandFor(site, 'forget --list')}`,
  );
}

async function list(values: OptionValues, terminal: Terminal): Promise<number> {
  for (const option of ['table', 'key', 'where'])
    if (values[option] !== undefined) throw new UsageError(`--${option} cannot be combined with --list`);
  return withSite(values, async ({ ingested }) => {
    const [open, forgotten] = await Promise.all([listForgetting(ingested), listForgotten(ingested)]);
    const rows = [...open, ...forgotten.toReversed()];
    if (terminal.json) terminal.result(JSON.stringify({ ok: open.length === 0, rows }));
    else if (rows.length === 0) terminal.info('No row was ever forgotten.');
    for (const row of terminal.json ? [] : rows) printRecord(row, terminal);
    return open.length === 0 ? 0 : 1;
  });
}

function printRecord({ id, table, begunAt, endedAt, by, removed }: ForgottenRow, terminal: Terminal): void {
  const rows = removed.loaded + removed.waiting;
  const what = `${table}, row ${id.slice(0, 16)}, by ${by}`;
  if (endedAt === null) {
    terminal.info(
      `${terminal.style('red', '!')} begun ${formatTime(begunAt)} and not ended: ${what}. Type its command again`,
    );
    return;
  }
  terminal.info(
    `${formatTime(endedAt)}  ${what}: ${formatCount(rows)} of the warehouse, ${formatCount(removed.objects)} objects`,
  );
}

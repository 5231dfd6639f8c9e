import { isRunId } from '../../shared/object-store/object-key.ts';
import { parseLimit } from '../options/limit-option.ts';
import { type OptionValues, withSite } from '../options/site-options.ts';
import { findNewestRuns, type ListedRuns, listNewestRuns } from '../runs/list-runs.ts';
import { type RunStep, type ShownRun, showRun, type TableOfRun } from '../runs/show-run.ts';
import { commandFor, type Site } from '../site/site.ts';
import { formatTable, type TableColumn } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatTime } from '../terminal/time.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

const shownRuns = 20;

export const command: CommandModule = {
  run: async (values, [action, run, surplus], terminal) => {
    if (action === undefined) return listAll(values, terminal);
    if (action === 'show' && run !== undefined && surplus === undefined) return show(values, run, terminal);
    throw new UsageError(`runs ${surplus ?? action}: the forms are runs (list) and runs show RUN`);
  },
};

async function listAll(values: OptionValues, terminal: Terminal): Promise<number> {
  const limit = parseLimit(values, shownRuns);
  return withSite(values, async (site) => {
    const listed = await listNewestRuns(site, { limit, now: new Date() });
    const ok = listed.warehouse === null;
    if (terminal.json) terminal.result(JSON.stringify({ ok, ...listed }));
    else printRuns(listed, site, terminal);
    return ok ? 0 : 1;
  });
}

async function show(values: OptionValues, name: string, terminal: Terminal): Promise<number> {
  if (values.limit !== undefined) throw new UsageError('--limit is only for runs without show');
  if (name !== 'last' && !isRunId(name))
    throw new UsageError(`${name} is not a run: starlift runs lists them`);
  return withSite(values, async (site) => {
    const [last] =
      name === 'last' ? await findNewestRuns(site.ingested, { limit: 1, now: new Date() }) : [name];
    if (last === undefined) throw new UsageError(`there is no run yet: ${commandFor(site, 'run')}`);
    const shown = await showRun(site, last);
    const ok = shown.warehouse === null;
    if (terminal.json) terminal.result(JSON.stringify({ ok, ...shown }));
    else printRun(shown, terminal);
    return ok ? 0 : 1;
  });
}

const right = (name: string): TableColumn => ({ name, align: 'right' });
const orUnknown = (count: number | null): string => (count === null ? '?' : formatCount(count));

function printRuns({ runs, warehouse }: ListedRuns, site: Pick<Site, 'selector'>, terminal: Terminal): void {
  if (runs.length === 0) terminal.info(`No plan has found anything yet: ${commandFor(site, 'run')}`);
  else {
    const columns = [
      { name: 'run' },
      { name: 'planned' },
      right('slices'),
      right('rows loaded'),
      { name: 'tables' },
    ];
    const rows = runs.map(({ run, plannedAt, slices, loadedRows, tables }) => [
      run,
      formatTime(plannedAt),
      formatCount(slices),
      orUnknown(loadedRows),
      tables.length > 3
        ? `${tables.slice(0, 3).join(', ')} and ${tables.length - 3} more`
        : tables.join(', '),
    ]);
    for (const line of formatTable(columns, rows)) terminal.verbatim(line.trimEnd());
    terminal.info(`One of them: ${commandFor(site, 'runs show last')}`);
  }
  sayUnanswered(warehouse, terminal);
}

function sayUnanswered(reason: string | null, terminal: Terminal): void {
  if (reason !== null)
    terminal.info(`${terminal.style('red', '!')} the warehouse does not answer: ${reason}`);
}

function printRun(shown: ShownRun, terminal: Terminal): void {
  const { run, plannedAt, since, generation, steps, tables, warnings, failures, warehouse } = shown;
  terminal.info(`Run ${run}, planned ${formatTime(plannedAt)}, generation ${generation}`);
  terminal.info(since === null ? 'The first plan.' : `It has what was written since ${formatTime(since)}.`);
  terminal.info('');
  for (const line of formatTable(stepColumns, steps.map(formatStep))) terminal.verbatim(line.trimEnd());
  terminal.info('');
  for (const line of formatTable(tableColumns, tables.map(formatTableOfRun), terminal.columns))
    terminal.verbatim(line.trimEnd());
  for (const warning of warnings) terminal.info(warning);
  for (const { table, reason } of failures)
    terminal.info(`${terminal.style('red', '!')} ${table} could not be planned: ${reason}`);
  sayUnanswered(warehouse, terminal);
}

const stepColumns = [
  { name: 'step' },
  ...['objects', 'rows', 'bytes', 'seconds', 'retrying', 'failed'].map(right),
];

const formatStep = ({ step, objects, rows, bytes, seconds, retrying, failed }: RunStep): string[] => [
  step,
  orUnknown(objects),
  orUnknown(rows),
  step === 'load' ? '' : orUnknown(bytes),
  seconds === null ? '' : seconds.toFixed(1),
  formatCount(retrying),
  formatCount(failed),
];

const tableColumns = [
  { name: 'table' },
  ...['slices', 'extracted', 'rows', 'transformed', 'loaded', 'rows loaded', 'quarantined'].map(right),
];

const formatTableOfRun = (each: TableOfRun): string[] => [
  each.table,
  formatCount(each.slices),
  formatCount(each.extracted),
  orUnknown(each.extractedRows),
  formatCount(each.transformed),
  orUnknown(each.loaded),
  orUnknown(each.loadedRows),
  orUnknown(each.quarantined),
];

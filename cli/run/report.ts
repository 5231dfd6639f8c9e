import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { alignmentOf } from '../sql/run-statement.ts';
import { formatTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import type { Pipeline } from './pipeline.ts';
import type { RunReport } from './run-once.ts';
import type { LedgerCount } from './tally.ts';

const showCount = (rows: number): string => rows.toLocaleString('en');

/** A live line per table; writes nothing where nobody watches. */
export function drawProgress(counts: readonly LedgerCount[], terminal: Terminal): void {
  terminal.redraw(
    starSchema.tables.map(({ name }) => {
      const rows = counts.find(({ table }) => table === name)?.rows ?? 0;
      return `  ${name.padEnd(20)} ${showCount(rows).padStart(12)} rows loaded`;
    }),
  );
}

/** What a run came to, and what needs a hand; with --json one line of it as the last one of stdout. */
export function printReport(report: RunReport, terminal: Terminal): void {
  terminal.redraw([]);
  for (const warning of report.warnings) terminal.info(`${terminal.style('yellow', 'warning:')} ${warning}`);
  if (terminal.json) {
    const { run, seconds, ok, tables } = report;
    printTrouble(report, terminal);
    terminal.result(JSON.stringify({ run, seconds, ok, tables }));
    return;
  }
  const isNothingNew = report.tables.every(({ extracted }) => extracted === 0);
  if (isNothingNew) terminal.info(`Nothing new in the source (${report.seconds.toFixed(1)} s).`);
  else printTable(report, terminal);
  printTrouble(report, terminal);
}

/** One line for a look that found something, none for one that did not. */
export function printTick(report: RunReport, terminal: Terminal): void {
  const changed = report.tables.filter(({ extracted }) => extracted > 0);
  if (terminal.json)
    terminal.result(
      JSON.stringify({ run: report.run, seconds: report.seconds, ok: report.ok, tables: report.tables }),
    );
  else if (changed.length > 0) {
    const parts = changed.map(({ table, loaded }) => `${table} ${showCount(loaded)}`);
    terminal.info(
      `${new Date().toLocaleTimeString('en-GB')}  ${parts.join(', ')}  (${report.seconds.toFixed(1)} s)`,
    );
  }
  printTrouble(report, terminal);
}

function printTable(report: RunReport, terminal: Terminal): void {
  const columns = ['extracted', 'loaded', 'waiting', 'quarantined', 'failed'] as const;
  const lines = formatTable(
    [{ name: 'table' }, { name: 'source' }, ...columns.map((name) => ({ name, align: 'right' as const }))],
    report.tables.map((tally) => [
      tally.table,
      tally.source ?? 'every date',
      ...columns.map((name) => showCount(tally[name])),
    ]),
  );
  terminal.info('');
  for (const line of lines) terminal.info(line);
  const loaded = report.tables.reduce((sum, tally) => sum + tally.loaded, 0);
  terminal.info('');
  terminal.info(
    `${terminal.style(report.ok ? 'green' : 'yellow', report.ok ? 'All loaded' : 'Not all loaded')}: ` +
      `${showCount(loaded)} rows in ${report.seconds.toFixed(1)} s.`,
  );
}

/** Each thing that needs a hand, in one line that says how to look closer. */
function printTrouble({ waiting, quarantined, deadLetters, failures }: RunReport, terminal: Terminal): void {
  const say = (text: string) => terminal.info(`${terminal.style('red', '!')} ${text}`);
  for (const { queue, table, key, reason } of deadLetters.slice(0, 10)) {
    say(`dead letter in ${queue}: ${[table, key].filter(Boolean).join(' ')}: ${reason}`);
  }
  if (deadLetters.length > 10) say(`and ${deadLetters.length - 10} more dead letters`);
  for (const { table, reason } of failures) {
    if (!deadLetters.some((letter) => letter.table === table)) say(`${table} cannot be read: ${reason}`);
  }
  for (const [table, rows] of quarantined) {
    say(`${showCount(rows)} rows of ${table} broke the contract: npx starlift quarantine --table ${table}`);
  }
  for (const { table, rows } of waiting) {
    say(
      `${showCount(rows)} rows of ${table} wait for a dimension row: npx starlift waiting --table ${table}`,
    );
  }
  if (deadLetters.length > 0)
    say('mend the cause, then: npx starlift redrive (npx starlift failures says more)');
}

const exampleQuery = `select d.year, d.month_name, c.currency_code, count(*) as orders, sum(f.units_sold * f.unit_price) as revenue
  from fact_sales_order f
  join dim_date d on d.date_id = f.created_date
  join dim_currency c using (currency_id)
 group by d.year, d.month, d.month_name, c.currency_code
 order by revenue desc
 limit 5`;

/** What to try next: the way into the warehouse, a question to it with its answer, and the watch. */
export async function printNextSteps(
  pipeline: Pipeline,
  report: RunReport,
  terminal: Terminal,
): Promise<void> {
  if (report.tables.every(({ extracted }) => extracted === 0)) return;
  const schema = pipeline.warehouseSchema;
  if (schema === 'public') {
    const { fields, rows } = await pipeline.warehouse.query<Record<string, unknown>>(exampleQuery);
    const cells = rows.map((row) => fields.map(({ name }) => String(row[name] ?? '')));
    terminal.info('\nThe best months, asked of the star schema:\n');
    for (const line of exampleQuery.split('\n')) terminal.info(terminal.style('dim', `  ${line}`));
    terminal.info('');
    for (const line of formatTable(
      fields.map(({ name, dataTypeID }) => ({ name, align: alignmentOf(dataTypeID) })),
      cells,
    ))
      terminal.info(line);
  }
  terminal.info('\nNext:');
  const isEmbedded = pipeline.stack.shopUrl !== undefined;
  const watch = isEmbedded ? 'npm start -- --watch' : 'starlift run --watch …';
  terminal.info(`  ${watch.padEnd(30)} go on${isEmbedded ? ', as the shop goes on trading' : ''}`);
  terminal.info(`  ${"npx starlift sql 'select …'".padEnd(30)} ask the warehouse`);
  terminal.info(`  ${'npx starlift verify'.padEnd(30)} compare source and warehouse, row by row`);
  terminal.info(`  ${'the warehouse'.padEnd(30)} ${withoutPassword(pipeline.stack.warehouseUrl)}`);
  if (isEmbedded)
    terminal.info(
      `  ${''.padEnd(30)} (while a --watch runs; its password is in the data folder's stack.json)`,
    );
}

/** The password is in stack.json (mode 0600), and not in a terminal's scrollback or a CI log. */
function withoutPassword(text: string): string {
  const url = new URL(text);
  url.password = '';
  return url.href;
}

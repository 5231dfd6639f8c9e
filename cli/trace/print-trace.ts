import { formatTable } from '../terminal/table.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { formatTime } from '../terminal/time.ts';
import type { RowTexts, Trace, TracedDeletion, TracedObject } from './trace.ts';

const shownVersions = 5;
const shownCharacters = 500;

/** The verdict first, and then the way of the row, from the source on. */
export function printTrace(trace: Trace, terminal: Terminal): void {
  const { verdict, ok, unanswered } = trace;
  const key = Object.entries(trace.key)
    .map(([column, text]) => `${column} ${text}`)
    .join(', ');
  terminal.info(
    `${terminal.style(ok ? 'green' : 'red', ok ? '=' : '!')} ${trace.table}, ${key}: ${verdict.text}`,
  );
  if (verdict.command !== null) terminal.info(`    ${verdict.command}`);
  for (const { part, reason } of unanswered) {
    const verb = part === 'source' || part === 'warehouse' ? 'does' : 'do';
    terminal.info(`${terminal.style('red', '!')} the ${part} ${verb} not answer: ${reason}`);
  }
  const isSourceKnown = !unanswered.some(({ part }) => part === 'source');
  if (isSourceKnown) {
    terminal.info(`\nThe source now (${trace.source}):`);
    if (trace.sourceRow === null) terminal.info('  it has no such row');
    else printRows([trace.sourceRow], terminal);
  }
  if (trace.versions.length > 0) {
    terminal.info(`\nThe warehouse (${trace.table}), the newest version first:`);
    const shown = trace.versions.slice(0, shownVersions);
    printRows(
      shown.map(({ row }) => row),
      terminal,
    );
    for (const { object, deleted } of shown) printObject(object, terminal, deleted);
    const hidden = trace.versions.length - shown.length;
    if (hidden > 0)
      terminal.info(`  and ${hidden} older ${hidden === 1 ? 'version' : 'versions'} (--json shows them)`);
  }
  for (const { row, object, deleted, waitsFor } of trace.waiting) {
    terminal.info(
      `\nIt waits for ${waitsFor.map(({ dimension, key: wanted }) => `${dimension} ${wanted}`).join(' and ') || 'nothing'}:`,
    );
    printRows([row], terminal);
    printObject(object, terminal, deleted);
  }
  for (const { file, line, column, reason } of trace.quarantine) {
    terminal.info(`\nIn quarantine: ${column === null ? '' : `${column} `}${reason}`);
    terminal.info(`  line ${line} of the object that ${file} is of`);
  }
  for (const { queue, reason, failedAt, objectKey, hasRow } of trace.failures) {
    const whose =
      hasRow === true ? 'with the row' : hasRow === false ? 'without the row' : 'that may have the row';
    terminal.info(`\nA message ${whose} failed in ${queue} at ${formatTime(failedAt)}: ${reason}`);
    if (objectKey !== null) terminal.info(`  ${objectKey}`);
  }
}

/** On their side: a row has many columns. */
function printRows(rows: readonly RowTexts[], terminal: Terminal): void {
  const [first] = rows;
  if (first === undefined) return;
  const columns = [
    'column',
    ...(rows.length === 1 ? ['value'] : rows.map((_, index) => `version ${index + 1}`)),
  ];
  const cells = Object.keys(first).map((name) => [name, ...rows.map((row) => row[name] ?? null)]);
  const lines = formatTable(
    columns.map((name) => ({ name })),
    cells,
  );
  for (const line of lines) terminal.verbatim(` ${line.trimEnd()}`);
}

function printObject(object: TracedObject | null, terminal: Terminal, deleted: TracedDeletion | null): void {
  if (deleted !== null) {
    const by = deleted.key ?? 'what the ledger does not know';
    const when = deleted.appliedAt === null ? '' : ` at ${formatTime(deleted.appliedAt)}`;
    terminal.info(`  marked as deleted${when}, by ${by}`);
  }
  if (object === null) {
    terminal.info('  the ledger does not know the object that brought it');
    return;
  }
  const { run, slice, revision, snapshot, plannedAt, extractedAt, transformedAt, loadedAt, reloadedAt } =
    object;
  const at = (time: string | null) => (time === null ? 'not known' : formatTime(time));
  terminal.info(`  run ${run}, slice ${slice}, revision ${revision}`);
  terminal.info(
    `    snapshot: generation ${snapshot.generation}, xmax ${snapshot.xmax}, xmin ${snapshot.xmin}, tie ${snapshot.tie}`,
  );
  terminal.info(
    `    planned ${at(plannedAt)}, extracted ${at(extractedAt)}, transformed ${at(transformedAt)}`,
  );
  terminal.info(`    loaded ${at(loadedAt)}${reloadedAt === null ? '' : `, again ${at(reloadedAt)}`}`);
  printLine(object.ingestedKey, object.ingestedLine, terminal);
  printLine(object.key, object.processedLine, terminal);
}

function printLine(key: string, found: TracedObject['ingestedLine'], terminal: Terminal): void {
  terminal.verbatim(`    ${key}`);
  if (found === null) return;
  const text = found.text.length > shownCharacters ? `${found.text.slice(0, shownCharacters)}…` : found.text;
  terminal.verbatim(`      line ${found.line}: ${text}`);
}

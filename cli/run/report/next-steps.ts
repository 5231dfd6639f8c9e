import { closingColumns, closingQuestion } from '../../../models/built-in.ts';
import type { Model } from '../../../shared/model/model.ts';
import { inSnapshot } from '../../../shared/postgres/transaction.ts';
import { hidePassword } from '../../database/database-url.ts';
import { dataSelector, type WorkingStack } from '../../site/embedded/embedded-site.ts';
import { alignmentOf } from '../../sql/print-result.ts';
import { formatTable } from '../../terminal/table.ts';
import type { Terminal } from '../../terminal/terminal.ts';

/** Whether a model has the columns of the example query: it is the sample shop's, and a model may describe another business. */
export const canAnswer = ({ tables }: Model): boolean =>
  Object.entries(closingColumns).every(([name, columns]) => {
    const table = tables.find((candidate) => candidate.name === name);
    return columns.every((column) => table?.columns.some((candidate) => candidate.name === column));
  });

/** Prints what to try next: an example query with its answer if the model is the sample shop's, the watch, and the way into the warehouse. */
export async function printNextSteps(
  pipeline: WorkingStack,
  data: string,
  terminal: Terminal,
): Promise<void> {
  // The answer reads a whole fact: of somebody's own databases nobody has asked for that.
  if (!hasOwnDatabase(pipeline) && canAnswer(pipeline.model)) await printExample(pipeline, terminal);
  terminal.info('\nNext:');
  const steps = listSteps(pipeline, dataSelector(data));
  const width = Math.max(...steps.map(([what]) => what.length));
  for (const [what, why] of steps) terminal.info(`  ${what.padEnd(width)}  ${why}`);
  if (pipeline.stack.named.warehouse === undefined) {
    terminal.info(`While a --watch runs, its password is in ${pipeline.stack.folder.path}/stack.json.`);
  }
}

async function printExample({ warehouse }: WorkingStack, terminal: Terminal): Promise<void> {
  // Where a view could not be made the report has said so.
  const answer = await inSnapshot(warehouse, async () => {
    // The database, or the role, may have another search_path.
    await warehouse.query('set local search_path = public');
    const { rowCount } = await warehouse.query(
      'select from unnest($1::text[]) view where to_regclass(view) is null',
      [Object.keys(closingColumns).map((table) => `${table}_current`)],
    );
    return rowCount === 0 ? warehouse.query<Record<string, unknown>>(closingQuestion) : undefined;
  });
  if (answer === undefined) return;
  const { fields, rows } = answer;
  const columns = fields.map(({ name, dataTypeID }) => ({ name, align: alignmentOf(dataTypeID) }));
  const cells = rows.map((row) => fields.map(({ name }) => String(row[name] ?? '')));
  terminal.info('\nThe months with the most orders, from the star schema:\n');
  for (const line of closingQuestion.split('\n')) terminal.verbatim(terminal.style('dim', `  ${line}`));
  terminal.info('');
  for (const line of formatTable(columns, cells)) terminal.verbatim(line);
}

function hasOwnDatabase({ stack }: WorkingStack): boolean {
  const { source, warehouse } = stack.named;
  return source !== undefined || warehouse !== undefined;
}

function listSteps(pipeline: WorkingStack, folder: string): [what: string, why: string][] {
  const isOwn = hasOwnDatabase(pipeline);
  return [
    [
      `npx starlift run${folder} --watch`,
      isOwn ? 'keep running, and load each change' : 'keep running while the shop keeps trading',
    ],
    [`npx starlift sql${folder} 'select …'`, 'query the warehouse'],
    [`npx starlift verify${folder}`, 'compare source and warehouse, row by row'],
    ['the warehouse', hidePassword('--warehouse', pipeline.stack.warehouseUrl)],
  ];
}

import { resolve } from 'node:path';
import type pg from 'pg';
import { formatFinding } from '../configuration/yaml-file.ts';
import { connect } from '../database/connect.ts';
import { hasPassword } from '../database/database-url.ts';
import { textOption } from '../options/site-options.ts';
import { type InitOutcome, initProject } from '../project/init/init.ts';
import { loadDefinition } from '../project/load-model.ts';
import { findPendingMigration } from '../project/pending-migration.ts';
import {
  findSourceUrl,
  findWarehouseSchema,
  findWarehouseUrl,
  knownSourceUrl,
} from '../project/source-url.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { quoteForShell } from '../terminal/wording.ts';
import type { CommandModule } from './command-module.ts';

export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const dir = textOption(values.dir) ?? '.';
    const folder = resolve(dir);
    const option = textOption(values.source);
    const url = findSourceUrl(option, folder, process.env);
    const schemas = textOption(values.schemas)
      ?.split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '');
    const source = await connect(url, 'source');
    let warehouse: pg.Client | undefined;
    try {
      const isMirror = values.mirror === true;
      const warehouseUrl = isMirror ? findWarehouseUrl(folder, process.env) : undefined;
      if (warehouseUrl !== undefined) warehouse = await connect(warehouseUrl, 'warehouse');
      const warehouseSchema = findWarehouseSchema(folder, process.env);
      // Passwords stay out of files; `${` in it would be read as a variable.
      const isWritten = option !== undefined && !hasPassword('--source', url) && !url.includes('${');
      const sourceUrl = isWritten ? url : undefined;
      const outcome = await initProject({
        source,
        folder,
        sourceUrl,
        schemas,
        isMirror,
        warehouseSchema,
        warehouse,
      });
      const isSound = outcome.findings.length === 0;
      const pending =
        isSound && !outcome.isNew
          ? findPendingMigration(folder, (await loadDefinition(folder)).definition)
          : [];
      const next = findNext(pending.length === 0 ? 'run' : 'migrate', url, folder);
      print(outcome, { dir, next, pending }, terminal);
      return isSound ? 0 : 2;
    } finally {
      await Promise.all([source.end(), warehouse?.end()]);
    }
  },
};

/** What to type next: it has to find the same source. */
function findNext(command: 'run' | 'migrate', url: string, folder: string): string {
  if (knownSourceUrl(folder, process.env) === url) return `npx starlift ${command}`;
  if (hasPassword('--source', url)) return `SOURCE_URL=… npx starlift ${command}`;
  return `npx starlift ${command} --source ${quoteForShell(url)}`;
}

function print(
  outcome: InitOutcome,
  { dir, next, pending }: { dir: string; next: string; pending: readonly string[] },
  terminal: Terminal,
): void {
  const { schemas, otherSchemas, written, folded, leftOut, added, findings, isNew } = outcome;
  const tables = [
    ...written.map(({ name, table, reason }) => [name, `from ${table.name}: ${reason}`]),
    ...folded.map(({ table, reason }) => [table.name, reason]),
    ...leftOut
      .filter(({ isView }) => isView !== true)
      .map(({ name, reason, remedy }) => [
        name,
        `left out: ${reason}${remedy === undefined ? '' : `; ${remedy}`}`,
      ]),
  ];
  const width = Math.max(0, ...tables.map(([name = '']) => name.length));
  for (const [name = '', what = ''] of tables) terminal.info(`  ${name.padEnd(width)}  ${what}`);
  for (const { table, name } of written) {
    for (const [column, reason] of table.excluded)
      terminal.info(`${name} is made without ${column}: ${reason}`);
  }
  const views = leftOut.filter(({ isView }) => isView === true).map(({ name }) => name);
  if (views.length > 0)
    terminal.info(
      `Views are left out, for only a table knows which of its rows are new: ${views.join(', ')}.`,
    );
  for (const line of added) terminal.info(line);
  if (otherSchemas.length > 0) {
    terminal.info(
      `Not read: the schemas ${otherSchemas.join(', ')}. --schemas ${[...schemas, ...otherSchemas].join(',')} reads them, too.`,
    );
  }
  if (isNew)
    terminal.info(`Wrote starlift.yml, ${countFiles(written.length)} in tables/, and starlift.lock.json.`);
  else if (written.length === 0 && added.length === 0) terminal.info('Nothing is new in the source.');
  else terminal.info(`Added ${countFiles(written.length)} in tables/.`);
  for (const finding of findings) terminal.error(formatFinding(finding));
  if (findings.length > 0) return;
  terminal.info(
    pending.length === 0
      ? 'Checked: nothing is wrong. To load it:'
      : 'Checked: nothing is wrong. The tables of the warehouse are other ones yet. To change them:',
  );
  for (const finding of pending) terminal.info(`    # ${finding}`);
  terminal.info(`    ${dir === '.' ? '' : `cd ${quoteForShell(dir)} && `}${next}`);
}

const countFiles = (count: number): string => (count === 1 ? '1 file' : `${count} files`);

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectFileName } from '../../configuration/find-project-file.ts';
import { makeSourceTables } from '../compile/source-tables.ts';
import type { Project, TableFile } from '../files/read-project.ts';
import { addElement, addInBraces, addKey, formatKey } from './extend-yaml.ts';
import type { LeftOut, OfferedTable } from './offer-tables.ts';
import type { PlannedColumn, PlannedTable } from './plan-tables.ts';
import { formatLeftOut } from './write-files.ts';

export interface Extension {
  planned: readonly PlannedTable[];
  offered: readonly OfferedTable[];
  leftOut: readonly LeftOut[];
  /** The calendar that the project has, or needs now. */
  calendar: string | undefined;
}

/**
 * Adds to the files of a project what the source has since its lock was written, and changes no line of them.
 *
 * @returns what was added, and what would have to be added by hand, as sentences
 */
export function extendProject(project: Project, extension: Extension): string[] {
  const said = extendProjectFile(project, extension);
  const known = makeSourceTables(project.contents, project.lock);
  for (const file of project.tables) {
    const table = known.find(file.contents.from);
    const planned = extension.planned.find((each) => each.table.name === table?.name);
    if (table === undefined || planned?.columns === undefined || file.contents.columns === undefined)
      continue;
    const columns = file.contents.columns;
    const isNew = (name: string) => !Object.hasOwn(table.locked.columns, name);
    const fresh = planned.columns.filter(
      ({ name, from, as }) =>
        isNew(from ?? name) && as === undefined && !from?.includes('.') && !Object.hasOwn(columns, name),
    );
    if (fresh.length > 0) said.push(...addColumns(project, file, fresh));
  }
  return said;
}

function addColumns(project: Project, { file }: TableFile, columns: readonly PlannedColumn[]): string[] {
  const path = join(project.folder, file.name);
  const lines = columns.map(formatColumn);
  const text = addKey(readFileSync(path, 'utf8'), ['columns'], lines);
  const names = columns.map(({ name }) => name).join(', ');
  if (text === undefined)
    return [`${file.name}: add ${names} by hand, for its columns are written in braces`];
  writeFileSync(path, text);
  return [`${file.name}: added ${names}`];
}

function formatColumn({ name, from, references, isGuessed }: PlannedColumn): string {
  const parts = Object.entries({ from, references }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}: ${formatKey(value)}`],
  );
  const comment = isGuessed === true ? ' # guessed' : '';
  return parts.length === 0 ? `${formatKey(name)}:` : `${formatKey(name)}: { ${parts.join(', ')} }${comment}`;
}

function extendProjectFile(project: Project, { offered, leftOut, calendar }: Extension): string[] {
  const path = join(project.folder, projectFileName);
  const before = readFileSync(path, 'utf8');
  const said: string[] = [];
  let text = before;
  const apply = (changed: string | undefined, done: string, byHand: string) => {
    said.push(`${projectFileName}: ${changed === undefined ? byHand : done}`);
    text = changed ?? text;
  };
  if (calendar !== undefined && project.contents.warehouse?.calendar === undefined) {
    const line = `calendar: ${formatKey(calendar)}`;
    // Without it, the tables that were just written would be refused: so it goes into braces, too.
    const changed = addKey(text, ['warehouse'], [line]) ?? addInBraces(text, ['warehouse'], line);
    apply(changed, `added warehouse.${line}`, `add ${line} to warehouse by hand`);
  }
  for (const { name, excluded } of offered) {
    const known = project.contents.sources?.[name]?.exclude;
    const columns = Object.hasOwn(project.lock.tables, name) ? project.lock.tables[name]?.columns : undefined;
    for (const [column, reason] of excluded) {
      // A column that the lock has was left in by whoever removed it from the list.
      if (known?.includes(column) === true || (columns !== undefined && Object.hasOwn(columns, column)))
        continue;
      const element = formatKey(column);
      const hasEntry = project.contents.sources?.[name] !== undefined;
      const changed =
        known !== undefined || text.includes(`${formatKey(name)}:\n    exclude:`)
          ? addElement(text, ['sources', name, 'exclude'], column)
          : hasEntry
            ? addKey(text, ['sources', name], [`exclude: [${element}]`])
            : addKey(text, ['sources'], [`${formatKey(name)}:`, '  exclude:', `    - ${element}`]);
      apply(
        changed,
        `excluded ${name}.${column} (${reason})`,
        `exclude ${name}.${column} by hand (${reason})`,
      );
    }
  }
  const lines = formatLeftOut(leftOut).filter((line) => !text.includes(line));
  if (lines.length > 0) text = `${text.replace(/\n*$/, '\n')}${lines.join('\n')}\n`;
  if (text !== before) writeFileSync(path, text);
  return said;
}

import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Document, type Pair, Scalar, YAMLMap } from 'yaml';
import { projectFileName } from '../../configuration/find-project-file.ts';
import type { LeftOut, OfferedTable } from './offer-tables.ts';
import type { PlannedColumn, PlannedTable } from './plan-tables.ts';
import { schemaLine } from './schema-line.ts';

/** A file below tables/ for a warehouse table; a table may have letters that a file must not. */
export const fileNameOf = (table: string): string =>
  `tables/${table.replaceAll(/[^\p{L}\p{N}_.-]/gu, '_').replace(/^\.+/, '_')}.yml`;

/** Writes the file of a table. */
export function writeTableFile(folder: string, file: string, planned: PlannedTable): void {
  const path = join(folder, file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, formatTable(planned, schemaLine(dirname(resolve(path)), resolve(folder), 'table')), {
    flag: 'wx',
  });
}

/** @param schemaComment the line that lets an editor complete keys */
export function formatTable(planned: PlannedTable, schemaComment: string): string {
  const { kind, name, table, versions, columns, joins } = planned;
  const document = new Document();
  const contents = new YAMLMap();
  document.contents = contents as never;
  const add = (key: string, value: unknown) => contents.set(key, value);
  add(kind, name);
  add('from', table.name);
  if (!table.hasPrimaryKey || table.key.join() !== table.locked.primaryKey?.join())
    add('key', flow(document, table.key));
  if (versions !== undefined) add('versions', versions);
  if (columns !== undefined) {
    const map = new YAMLMap();
    for (const column of columns) map.items.push(makeColumn(document, column));
    add('columns', map);
  }
  if (joins.length > 0) {
    const map = new YAMLMap();
    for (const { path, table: joined, match, isGuessed } of joins) {
      const value = flow(document, { table: joined, match });
      if (isGuessed) value.comment = ' guessed';
      map.set(path, value);
    }
    add('joins', map);
  }
  return `${schemaComment}\n${document.toString({ nullStr: '', lineWidth: 0 })}`;
}

function makeColumn(document: Document, column: PlannedColumn): Pair {
  const { name, from, as, references, isGuessed } = column;
  const parts = Object.entries({ from, as, references }).filter(([, value]) => value !== undefined);
  const value = parts.length === 0 ? new Scalar(null) : flow(document, Object.fromEntries(parts));
  if (isGuessed === true) value.comment = ' guessed';
  return document.createPair(name, value) as Pair;
}

function flow(document: Document, value: unknown) {
  const node = document.createNode(value) as YAMLMap;
  node.flow = true;
  for (const item of node.items as { value?: { flow?: boolean; items?: unknown } }[]) {
    if (item?.value?.items !== undefined) item.value.flow = true;
  }
  return node;
}

/** Writes starlift.yml of a new project. */
export function writeProjectFile(folder: string, options: ProjectFileOptions): void {
  mkdirSync(folder, { recursive: true });
  const line = schemaLine(resolve(folder), resolve(folder), 'starlift');
  writeFileSync(join(folder, projectFileName), formatProjectFile(basename(resolve(folder)), line, options), {
    flag: 'wx',
  });
}

export interface ProjectFileOptions {
  /** Undefined where it is not to be written down. */
  sourceUrl: string | undefined;
  schemas: readonly string[];
  /** The schema of the warehouse's tables. */
  warehouseSchema: string;
  /** Undefined where the project has none. */
  calendar: string | undefined;
  tables: readonly OfferedTable[];
  leftOut: readonly LeftOut[];
}

/** By text, because half of it is comments. */
function formatProjectFile(
  name: string,
  schemaComment: string,
  { sourceUrl, schemas, warehouseSchema, calendar, tables, leftOut }: ProjectFileOptions,
): string {
  const document = new Document(
    {
      name,
      source: { url: sourceUrl ?? '$' + '{SOURCE_URL}', schemas },
      warehouse: { schema: warehouseSchema, ...(calendar !== undefined && { calendar }) },
    },
    { aliasDuplicateObjects: false },
  );
  const excluding = tables.filter(({ excluded }) => excluded.size > 0);
  if (excluding.length > 0) {
    document.set(
      'sources',
      document.createNode(
        Object.fromEntries(
          excluding.map(({ name: table, excluded }) => [table, { exclude: [...excluded.keys()] }]),
        ),
      ),
    );
  }
  const warehouse = document.get('warehouse', true) as YAMLMap;
  warehouse.commentBefore =
    ' Without a url, and without WAREHOUSE_URL, the data folder has a warehouse of its own.';
  const text = document.toString({ lineWidth: 0 });
  return [schemaComment, text.trimEnd(), ...formatLeftOut(leftOut), ''].join('\n');
}

/** As comments at the end of starlift.yml. */
export const formatLeftOut = (leftOut: readonly LeftOut[]): string[] =>
  leftOut.flatMap(({ name, reason, remedy, isView }) =>
    isView === true
      ? []
      : [`# ${name} is left out: ${reason}.`, ...(remedy === undefined ? [] : [`#   ${remedy};`])],
  );

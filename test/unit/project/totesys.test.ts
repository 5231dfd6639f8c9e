import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { compileProject, loadProject } from '../../../cli/project/compile/compile.ts';
import { readProject } from '../../../cli/project/files/read-project.ts';
import { currencyNameOf } from '../../../services/transformation/rows/read-row.ts';
import type { ColumnDefinition, SourceDefinition, TableDefinition } from '../../../shared/model/define.ts';
import { definitions } from '../../../shared/model/load-definitions.ts';

const folder = fileURLToPath(new URL('../../../models/totesys', import.meta.url));

/** The hand-written definitions in the form that YAML compiles to. */
function convert(definition: TableDefinition): unknown {
  switch (definition.kind) {
    case 'calendar':
      return definition;
    case 'ingested only':
      return { ...definition, source: convertSource(definition.source) };
    case 'dimension':
      return {
        ...definition,
        source: convertSource(definition.source),
        key: [definition.key],
        columns: convertColumns(definition.columns),
      };
    case 'fact':
      return {
        ...definition,
        source: convertSource(definition.source),
        key: [definition.key],
        versions: ['last_updated_date', 'last_updated_time'],
        columns: convertColumns(definition.columns),
      };
  }
}

function convertSource({ table, key, columns, joins }: SourceDefinition): unknown {
  const converted = joins?.map(({ table: joined, on, columns: names }) => ({
    path: joined,
    table: joined,
    match: on,
    columns: Object.fromEntries(names.map((name) => [name, columnsOf(joined)[name]])),
  }));
  return { table, key: [key], columns, ...(converted !== undefined && { joins: converted }) };
}

const columnsOf = (table: string): SourceDefinition['columns'] =>
  definitions.flatMap((each) => ('source' in each ? [each.source] : [])).find((each) => each.table === table)
    ?.columns ?? {};

const convertColumns = (columns: Record<string, ColumnDefinition>) =>
  Object.fromEntries(
    Object.entries(columns).map(([name, { type, from, nullable, references }]) => [
      name,
      {
        type,
        from:
          from.kind === 'currency name'
            ? { kind: 'lookup', field: from.field, lookup: 'currencies', else: 'self' }
            : from,
        nullable,
        ...(references !== undefined && { references }),
      },
    ]),
  );

describe('models/totesys', () => {
  it.each(definitions.map((definition) => [nameOf(definition), definition]))(
    'compiles %s to what its definition by hand says',
    (name, definition) => {
      const compiled = loadProject(folder).tables.find((table) => nameOf(table) === name);
      expect(compiled).toEqual(convert(definition as TableDefinition));
      // An order that differs would be a difference of the DDL and of the extract.
      expect(JSON.stringify(orderOf(compiled))).toBe(
        JSON.stringify(orderOf(convert(definition as TableDefinition))),
      );
    },
  );

  it('has the tables in the order of the definitions by hand, and no other', () => {
    expect(loadProject(folder).tables.map(nameOf)).toEqual(definitions.map(nameOf));
  });

  it('has the English names of ISO 4217', () => {
    const { currencies = {} } = loadProject(folder).lookups;
    expect(Object.keys(currencies).length).toBeGreaterThan(170);
    for (const [code, name] of Object.entries(currencies)) expect(name).toBe(currencyNameOf(code));
  });

  it('has a lock of the tables that it reads, and of no other', () => {
    const { project, findings } = readProject(folder);
    expect(findings).toEqual([]);
    const reads = project === undefined ? [] : [...compileProject(project).reads].sort();
    expect(Object.keys(project?.lock.tables ?? {})).toEqual(reads);
  });
});

function nameOf(definition: { kind: string; name?: string; source?: { table: string } }): string {
  return definition.name ?? definition.source?.table ?? '';
}

function orderOf(definition: unknown): unknown {
  const { columns, source } = definition as {
    columns?: object;
    source?: { columns: object; joins?: { columns: object }[] };
  };
  return [columns, source?.columns, ...(source?.joins ?? []).map((join) => join.columns)].map((each) =>
    Object.keys(each ?? {}),
  );
}

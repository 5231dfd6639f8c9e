import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { compileProject, loadProject } from '../../../cli/project/compile/compile.ts';
import { readProject } from '../../../cli/project/files/read-project.ts';
import type { ModelDefinition, TableDefinition } from '../../../shared/model/define.ts';

const folder = fileURLToPath(new URL('../../../models/totesys', import.meta.url));

/** The tables as they were defined by hand before there were projects. */
const golden = JSON.parse(
  readFileSync(new URL('../../golden/totesys-model.json', import.meta.url), 'utf8'),
) as ModelDefinition['tables'];

const nameOf = (definition: TableDefinition): string =>
  definition.kind === 'ingested only' ? definition.source.table : definition.name;

describe('models/totesys', () => {
  it.each(golden.map((definition) => [nameOf(definition), definition] as const))(
    'compiles %s to what its definition by hand says',
    (name, definition) => {
      const compiled = loadProject(folder).tables.find((table) => nameOf(table) === name);
      expect(compiled).toEqual(definition);
      // An order that differs would be a difference of the DDL and of the extract.
      expect(JSON.stringify(orderOf(compiled))).toBe(JSON.stringify(orderOf(definition)));
    },
  );

  it('has the tables in the order of the definitions by hand, and no other', () => {
    expect(loadProject(folder).tables.map(nameOf)).toEqual(golden.map(nameOf));
  });

  it('has the English names of ISO 4217', () => {
    const { currencies = {} } = loadProject(folder).lookups ?? {};
    expect(Object.keys(currencies).length).toBeGreaterThan(170);
    expect(currencies).toMatchObject({ GBP: 'Pound Sterling', USD: 'US Dollar', CNY: 'Yuan Renminbi' });
  });

  it('has a lock of the tables that it reads, and of no other', () => {
    const { project, findings } = readProject(folder);
    expect(findings).toEqual([]);
    const reads = project === undefined ? [] : [...compileProject(project).reads].sort();
    expect(Object.keys(project?.lock.tables ?? {})).toEqual(reads);
  });
});

function orderOf(definition: unknown): unknown {
  const { columns, source } = definition as {
    columns?: object;
    source?: { columns: object; joins?: { columns: object }[] };
  };
  return [columns, source?.columns, ...(source?.joins ?? []).map((join) => join.columns)].map((each) =>
    Object.keys(each ?? {}),
  );
}

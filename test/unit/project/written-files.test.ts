import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { projectGrammar } from '../../../cli/configuration/project-grammar.ts';
import { parseYaml } from '../../../cli/configuration/yaml-file.ts';
import { tableGrammar } from '../../../cli/project/files/table-grammar.ts';
import type { OfferedTable } from '../../../cli/project/init/offer-tables.ts';
import { makeNamer, type PlannedTable } from '../../../cli/project/init/plan-tables.ts';
import { fileNameOf, formatTable, writeProjectFile } from '../../../cli/project/init/write-files.ts';

/** Whatever Postgres takes for a name, without the dots that init leaves out. */
const name = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 12 })
  .filter((text) => text.isWellFormed() && !/[.\0]/.test(text) && text !== '__proto__');

const names = fc.uniqueArray(name, { minLength: 4, maxLength: 8 });

const tableWith = (table: string, columns: readonly string[]): OfferedTable => ({
  name: table,
  schema: 'public',
  table,
  key: columns.slice(0, 1),
  hasPrimaryKey: false,
  locked: { columns: {}, uniqueKeys: [], foreignKeys: [] },
  excluded: new Map(columns.map((column) => [column, 'looks like a secret'])),
});

describe('files that init writes', () => {
  it('say the same when they are read, whatever things are called', () => {
    fc.assert(
      fc.property(names, ([table = '', one = '', two = '', three = '', ...rest]) => {
        const planned: PlannedTable = {
          kind: 'fact',
          name: `fact_${table}`,
          table: tableWith(table, [one]),
          reason: '',
          versions: two,
          columns: [
            { name: one },
            { name: two, references: three, isGuessed: true },
            { name: three, from: `${rest[0] ?? 'joined'}.${one}`, as: 'date' },
          ],
          joins: [{ path: rest[0] ?? 'joined', table, match: { [one]: two }, isGuessed: true }],
        };
        const { value, findings } = parseYaml('t.yml', formatTable(planned, '# schema'), tableGrammar);
        expect(findings).toEqual([]);
        expect(value).toEqual({
          fact: `fact_${table}`,
          from: table,
          key: [one],
          versions: two,
          columns: {
            [one]: null,
            [two]: { references: three },
            [three]: { from: `${rest[0] ?? 'joined'}.${one}`, as: 'date' },
          },
          joins: { [rest[0] ?? 'joined']: { table, match: { [one]: two } } },
        });
      }),
      { seed: 1, numRuns: 300 },
    );
  });

  it('say which columns stay in the source, whatever they are called', () => {
    const folder = mkdtempSync(join(tmpdir(), 'written-'));
    try {
      fc.assert(
        fc.property(names, ([table = '', ...columns]) => {
          const path = join(folder, 'starlift.yml');
          rmSync(path, { force: true });
          const tables = [tableWith(table, columns)];
          const sourceUrl = `postgres://reader@host/${encodeURIComponent(table)}`;
          writeProjectFile(folder, {
            sourceUrl,
            schemas: [table],
            warehouseSchema: 'public',
            calendar: table,
            tables,
            leftOut: [],
          });
          const { value } = parseYaml('starlift.yml', readFileSync(path, 'utf8'), projectGrammar);
          expect(value).toMatchObject({
            source: { url: sourceUrl, schemas: [table] },
            warehouse: { calendar: table },
            sources: { [table]: { exclude: columns } },
          });
        }),
        { seed: 1, numRuns: 200 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('lie below tables, in files that any system can have', () => {
    fc.assert(
      fc.property(name, (table) => {
        expect(fileNameOf(table)).toMatch(/^tables\/[\p{L}\p{N}_-][\p{L}\p{N}_.-]*\.yml$/u);
      }),
      { seed: 1 },
    );
  });
});

describe('a name that init chooses', () => {
  it('is new, in other letters too, and leaves room for what is derived from it', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 70 })), (wanted) => {
        const choose = makeNamer(['dim_date']);
        const chosen = wanted.map((each) => choose(each, `public_${each}`));
        const lower = ['dim_date', ...chosen.map((each) => each.toLowerCase())];
        expect(new Set(lower).size).toBe(lower.length);
        for (const each of chosen) expect(Buffer.byteLength(each)).toBeLessThanOrEqual(54);
      }),
      { seed: 1 },
    );
  });

  it('is the wanted one where it can be, else the one with the schema', () => {
    const choose = makeNamer([]);
    expect(choose('dim_customer', 'dim_sales_customer')).toBe('dim_customer');
    expect(choose('dim_Customer', 'dim_sales_Customer')).toBe('dim_sales_Customer');
    expect(choose('dim_customer', 'dim_sales_customer')).toBe('dim_customer_2');
  });
});

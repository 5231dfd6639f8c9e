import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatFinding } from '../../../cli/configuration/yaml-file.ts';
import { checkProject } from '../../../cli/project/check/check.ts';
import { loadProject } from '../../../cli/project/compile/compile.ts';
import { initProject } from '../../../cli/project/init/init.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import { chooseSeeds } from '../../helpers/jest/seeds.ts';
import { kindsOf, useSource } from './init-under-test.ts';

const inSource = useSource();

const types = [
  ...[
    'int',
    'bigint',
    'smallint',
    'text',
    'varchar(20)',
    'char(3)',
    'numeric(10,2)',
    'numeric',
    'uuid',
    'date',
  ],
  ...[
    'timestamp',
    'timestamptz',
    'boolean',
    'jsonb',
    'int[]',
    'interval',
    'bytea',
    'inet',
    'double precision',
  ],
];
const keyTypes = ['int', 'bigint', 'text', 'uuid', 'numeric(10,0)', 'date', 'inet'];
const columnNames = [
  ...[
    'name',
    'title',
    'amount',
    'units_sold',
    'created_at',
    'updated_at',
    'sold_at',
    'order_date',
    'password',
  ],
  ...[
    'token',
    'note',
    '_object_id',
    'date',
    'address',
    'city',
    'Mixed Case',
    'select',
    'country_name',
    'birth_date',
  ],
];
const tableNames = [
  ...[
    'customer',
    'orders',
    'order_item',
    'address',
    'city',
    'country',
    'Product',
    'dim_date',
    'staff',
    'payment',
  ],
];

interface Column {
  name: string;
  type: string;
  isWhole: boolean;
}

const column: fc.Arbitrary<Column> = fc.record({
  name: fc.constantFrom(...columnNames),
  type: fc.constantFrom(...types),
  isWhole: fc.boolean(),
});

const table = fc.record({
  columns: fc.uniqueArray(column, { selector: ({ name }) => name, maxLength: 7 }),
  keyTypes: fc.oneof(
    { weight: 2, arbitrary: fc.constant<string[]>(['int']) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(...keyTypes), { maxLength: 2 }) },
  ),
  isPrimary: fc.boolean(),
  /** The tables that this one names, by their places, and whether the key begins with that. */
  names: fc.array(
    fc.record({
      to: fc.nat(),
      isDeclared: fc.boolean(),
      isValid: fc.boolean(),
      role: fc.boolean(),
      isWide: fc.boolean(),
    }),
    {
      maxLength: 3,
    },
  ),
});

const schema = fc
  .uniqueArray(fc.constantFrom(...tableNames), { minLength: 1, maxLength: 7 })
  .chain((names) =>
    fc
      .tuple(...names.map(() => table))
      .map((tables) => tables.map((each, index) => ({ name: names[index] ?? '', ...each }))),
  );

type Tables = typeof schema extends fc.Arbitrary<infer T> ? T : never;

/** The statements that make the tables in the schema that is searched. */
function formatDdl(tables: Tables): string {
  const quote = quoteIdentifier;
  const keyOf = (at: number) =>
    (tables[at]?.keyTypes ?? []).map((type, index) => ({ name: index === 0 ? 'id' : 'no', type }));
  const made = tables.map(({ name, columns, isPrimary, names }, at) => {
    const key = keyOf(at);
    const references = names.flatMap(({ to, role, isWide }, place) => {
      const target = to % tables.length;
      const prefix = `${role ? `role${place}_` : ''}${tables[target]?.name.toLowerCase()}`;
      return keyOf(target).map(({ name: column, type }) => ({
        name: `${prefix}_${column}`,
        type: isWide && type === 'int' ? 'bigint' : type,
        isWhole: false,
      }));
    });
    const all = new Map(
      [...key.map((each) => ({ ...each, isWhole: true })), ...columns, ...references].map((each) => [
        each.name,
        each,
      ]),
    );
    const lines = [...all.values()].map(
      ({ name: column, type, isWhole }) => `${quote(column)} ${type}${isWhole ? ' not null' : ''}`,
    );
    const constraint =
      key.length === 0
        ? []
        : [`${isPrimary ? 'primary key' : 'unique'} (${key.map((each) => quote(each.name)).join(', ')})`];
    return `create table ${quote(name)} (${[...lines, ...constraint].join(', ')});`;
  });
  const keys = tables.flatMap(({ name, names }) =>
    names.flatMap(({ to, isDeclared, isValid, role }, place) => {
      const target = to % tables.length;
      const key = keyOf(target);
      if (!isDeclared || key.length === 0) return [];
      const far = tables[target]?.name ?? '';
      const near = key.map((each) =>
        quote(`${role ? `role${place}_` : ''}${far.toLowerCase()}_${each.name}`),
      );
      const columns = key.map((each) => quote(each.name)).join(', ');
      return `alter table ${quote(name)} add foreign key (${near.join(', ')}) references ${quote(far)} (${columns})${isValid ? '' : ' not valid'};`;
    }),
  );
  return [...made, ...keys].join('\n');
}

it.each(chooseSeeds('any schema', { short: 1, long: 20 }))(
  'of any schema, init makes a project that the pipeline puts together, with each table told of once (seed %d)',
  (seed) =>
    inSource('select 1', async ({ client }) => {
      let schemas = 0;
      await fc.assert(
        fc.asyncProperty(schema, fc.boolean(), async (tables, isMirror) => {
          schemas += 1;
          const name = `schema_${schemas}`;
          await client.query(`create schema ${name}; set search_path = ${name}; ${formatDdl(tables)}`);
          const folder = mkdtempSync(join(tmpdir(), 'any-'));
          try {
            const outcome = await initProject({ source: client, folder, schemas: [name], isMirror }).catch(
              (error: Error) => error.message,
            );
            if (typeof outcome === 'string') {
              // Nothing but tables that cannot be captured.
              expect(outcome).toMatch(/^the source has no table in schema_\d+ that can be captured\n/);
              return;
            }
            expect(outcome.findings.map(formatFinding)).toEqual([]);
            expect(Object.keys(kindsOf(outcome)).sort()).toEqual(tables.map((each) => each.name).sort());
            expect(() => assembleModel(loadProject(folder))).not.toThrow();
            expect(await checkProject({ folder, source: client, isUpdate: false })).toEqual([]);
            const again = await initProject({ source: client, folder, schemas: undefined, isMirror });
            expect([again.written, again.added]).toEqual([[], []]);
          } finally {
            rmSync(folder, { recursive: true });
            await client.query(`drop schema ${name} cascade`);
          }
        }),
        { seed, numRuns: 60 },
      );
    }),
);

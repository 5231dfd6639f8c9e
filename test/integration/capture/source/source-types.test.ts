import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { transformRows } from '../../../../services/transformation/rows/transform-rows.ts';
import {
  type ColumnDefinition,
  defineDimension,
  defineIngestedOnly,
  int,
} from '../../../../shared/model/define.ts';
import { assembleModel, type Dimension, type Model } from '../../../../shared/model/model.ts';
import { calendar } from '../../../helpers/models/calendar.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../../helpers/postgres/temporary-postgres.ts';
import { cutAnywhere } from '../../../helpers/rows/cut-anywhere.ts';
import { readParquetRows } from '../../../helpers/rows/parquet-rows.ts';
import {
  builders,
  type DeclaredType,
  declaredTypes,
  lookups,
  sourceValues,
  standsFor,
  takenBy,
} from '../../../helpers/rows/type-table.ts';
import { type CaptureBench, makeCaptureBench } from '../capture-bench.ts';

const actualTypes = Object.keys(sourceValues);
/** Each of these takes columns of one type alone. It is tried against types that might be taken for it. */
const exactTypes = new Set<DeclaredType>([
  'float4',
  'float8',
  'date',
  'time',
  'timestamptz',
  'uuid',
  'bytea',
  'json',
  'jsonb',
  'oid',
]);
const nearTypes = [
  'integer',
  'text',
  'timestamp without time zone',
  'real',
  'double precision',
  'json',
  'jsonb',
];
const triedFor = (declared: DeclaredType): string[] => {
  if (declared === 'other') return [];
  return exactTypes.has(declared) ? nearTypes : actualTypes;
};
const pairs = declaredTypes.flatMap((declared) =>
  actualTypes
    .filter((actual) => standsFor[declared].includes(actual) || triedFor(declared).includes(actual))
    .map((actual): [DeclaredType, string] => [declared, actual]),
);
const fits = ([declared, actual]: [DeclaredType, string]) => standsFor[declared].includes(actual);
const nameOf = (declared: DeclaredType, actual: string) => `${declared} of ${actual}`;

describe('a column of the source', () => {
  let server: PostgresServer;
  let bench: CaptureBench;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
    bench = await makeCaptureBench(await server.createDatabase('types'));
    await bench.source.query(`
      create extension citext;
      create type mood as enum ('2024-02-29', '0001-01-01');
      create domain short_text as varchar(40);
      create type pair as (a int, b text)`);
    for (const [declared, actual] of pairs) {
      const [first, second] = sourceValues[actual] ?? [];
      await bench.source.query(`
        create table "${nameOf(declared, actual)}" (id int primary key, value ${actual});
        insert into "${nameOf(declared, actual)}" values (1, ${first}), (2, ${second})`);
    }
  });
  beforeEach(() => void bench.queue.splice(0));
  afterAll(async () => {
    await bench.end();
    await server.stop();
  });

  it('of a type that cannot stand for the declared one fails its table alone, by name, with the types that can', async () => {
    const model = assembleModel({
      name: 'test',
      tables: [
        calendar,
        ...pairs.map(([declared, actual]) =>
          defineIngestedOnly({
            table: nameOf(declared, actual),
            key: ['id'],
            columns: { id: 'int4', value: declared },
          }),
        ),
      ],
    });
    const { failures, slices } = await bench.plan({ model });
    expect(Object.fromEntries(failures.map(({ table, reason }) => [table, reason]))).toEqual(
      Object.fromEntries(
        pairs
          .filter((pair) => !fits(pair))
          .map(([declared, actual]) => [
            nameOf(declared, actual),
            expect.stringContaining(
              `public.${nameOf(declared, actual)}.value is of type ${actual}, which does not fit the model's ${declared}: it must be `,
            ),
          ]),
      ),
    );
    expect(
      failures.find(({ table }) => table === nameOf('varchar', 'timestamp without time zone'))?.reason,
    ).toMatch(/: it must be text, character varying, .*, or the model must declare it as timestamp$/);
    expect(failures.find(({ table }) => table === nameOf('varchar', 'uuid'))?.reason).toMatch(
      /: it must be text, character varying, .*, or the model must declare it as uuid$/,
    );
    // All the others are planned, and so is one message a table that says why it failed.
    expect(slices).toHaveLength(pairs.length);
  });

  describe.each(pairs.filter(fits))('(declared as %s, of type %s)', (declared, actual) => {
    it.each(takenBy[declared])('lands under %s as Postgres converts it, or not at all', async (name) => {
      const model = modelOf(declared, actual, builders[name].make('value'));
      await bench.store.delete('state/capture.json');
      await bench.plan({ model });
      await bench.extractAll({ model });
      const expected = await expectedRows(declared, actual, builders[name].sql);
      for (const scan of [true, false]) {
        const { landed, quarantined } = await transformed(model, nameOf(declared, actual), scan);
        // A numeric with digits after the point may stand for one without: a row that has some is refused alone.
        const isRounded = ['smallint', 'int', 'bigint'].includes(name) && actual === 'numeric(10,2)';
        expect({ landed, quarantined }).toEqual(
          isRounded ? { landed: [], quarantined: 2 } : { landed: expected, quarantined: 0 },
        );
      }
    });
  });

  async function expectedRows(declared: DeclaredType, actual: string, sql: string): Promise<string[]> {
    const { rows } = await bench.source.query<{ made: string }>(
      `select ${sql} as made from "${nameOf(declared, actual)}" order by id`,
    );
    return rows.map(({ made }) => made);
  }

  async function transformed(model: Model, source: string, scan: boolean) {
    const [newest] = [...bench.store.objects]
      .filter(([key]) => key.startsWith(`${encodeURIComponent(source)}/`))
      .toSorted()
      .reverse();
    if (newest === undefined)
      throw new Error(`nothing was ingested of ${source}: ${[...bench.store.objects.keys()]}`);
    const lines = zstdDecompressSync(newest[1].body);
    const made = await transformRows(
      cutAnywhere(lines, [5]),
      model.table('dim_value') as Dimension,
      model.calendar,
      { scan },
    );
    const rows = await readParquetRows(made.parquet);
    return { landed: rows.map((row) => String(row.made)), quarantined: made.quarantine.rows };
  }
});

const modelOf = (declared: DeclaredType, actual: string, made: ColumnDefinition): Model =>
  assembleModel({
    name: 'test',
    lookups,
    tables: [
      calendar,
      defineDimension({
        name: 'dim_value',
        source: { table: nameOf(declared, actual), key: ['id'], columns: { id: 'int4', value: declared } },
        key: ['id'],
        columns: { id: int('id'), made },
      }),
    ],
  });

import { describe, expect, it } from '@jest/globals';
import { transformRows } from '../../../services/transformation/rows/transform-rows.ts';
import { dateOf, defineDimension, defineFact, int, timeOf, varchar } from '../../../shared/model/define.ts';
import { assembleModel, type Dimension } from '../../../shared/model/model.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import { cutAnywhere } from '../../helpers/rows/cut-anywhere.ts';
import {
  type BuilderName,
  builderNames,
  builders,
  type DeclaredType,
  declaredTypes,
  lookups,
  takenBy,
} from '../../helpers/rows/type-table.ts';

const pairs = declaredTypes.flatMap((type) =>
  builderNames.map((builder): [DeclaredType, BuilderName] => [type, builder]),
);
const isTaken = ([type, builder]: [DeclaredType, BuilderName]) => takenBy[type].includes(builder);
const misfits = pairs.filter((pair) => !isTaken(pair));

const assemble = (type: DeclaredType, builder: BuilderName) =>
  assembleModel({
    name: 'test',
    lookups,
    tables: [
      calendar,
      defineDimension({
        name: 'dim_thing',
        source: { table: 'thing', key: ['thing_id'], columns: { thing_id: 'int4', value: type } },
        key: ['thing_id'],
        columns: { thing_id: int('thing_id'), made: builders[builder].make('value') },
      }),
    ],
  });

describe('a column of the model', () => {
  it.each(pairs.filter(isTaken))('made of a field of type %s may be %s', (type, builder) => {
    expect(assemble(type, builder).table('dim_thing').columns).toHaveLength(2);
  });

  it.each(misfits)(
    'made of a field of type %s cannot be %s: the model is refused by the names of both',
    (type, builder) => {
      expect(() => assemble(type, builder)).toThrow(/^dim_thing\.made .*thing\.value is declared as /);
      expect(() => assemble(type, builder)).toThrow(`declared as ${type}`);
    },
  );

  it('under the wrong builder is refused with the builders that would do', () => {
    expect(() => assemble('timestamp', 'date')).toThrow(
      'dim_thing.made is date(…), which takes a varchar, and thing.value is declared as timestamp: use timestamp or dateOf or timeOf',
    );
    expect(() => assemble('bool', 'int')).toThrow(
      'dim_thing.made is int(…), which takes an int2, an int4, an int8, an oid or a numeric without digits after the point, ' +
        'and thing.value is declared as bool: use boolean',
    );
  });
});

describe('a model', () => {
  const colour = defineDimension({
    name: 'dim_colour',
    source: { table: 'colour', key: ['code'], columns: { code: 'varchar' } },
    key: ['code'],
    columns: { code: varchar('code') },
  });
  const sale = defineFact({
    name: 'fact_sale',
    source: {
      table: 'sale',
      key: ['id'],
      columns: { id: 'int4', colour: 'int4', last_updated: 'timestamp' },
    },
    key: ['id'],
    versions: ['day', 'time'],
    surrogateKey: 'record_id',
    columns: {
      id: int('id'),
      day: dateOf('last_updated'),
      time: timeOf('last_updated'),
      colour: int('colour', { references: 'dim_colour' }),
    },
  });

  it('is refused where a reference is not of the type of the key that it names', () => {
    expect(() => assembleModel({ name: 'test', tables: [calendar, colour, sale] })).toThrow(
      'fact_sale.colour (int) references dim_colour.code, which is varchar',
    );
  });

  it.each([
    [
      'a column of another type',
      {
        columns: {
          ...calendar.columns,
          day_name: { type: { name: 'int' } as const, nullable: false as const },
        },
      },
    ],
    [
      'a column of another name',
      {
        columns: { ...calendar.columns, week: { type: { name: 'int' } as const, nullable: false as const } },
      },
    ],
    ['no date_id', { columns: { year: calendar.columns.year as (typeof calendar.columns)[string] } }],
  ])('is refused where its calendar has %s', (_, change) => {
    expect(() => assembleModel({ name: 'test', tables: [{ ...calendar, ...change }] })).toThrow(
      /^dim_date.*(day_name \(int\)|week \(int\)|date_id)/,
    );
  });
});

const whole = ['0', '-32768', '20240229', '1'];
const moments = ['2024-02-29T10:00:00', '2024-02-29T23:59:59.999999'];
const quote = (values: string[]): string[] => values.map((value) => JSON.stringify(value));

/** Values of a type as an extract writes them. */
const texts: Record<DeclaredType, string[]> = {
  int2: ['0', '-32768', '2024', '1'],
  int4: [...whole, '-2147483648'],
  int8: [...whole, '9223372036854775807'],
  oid: ['0', '4294967295'],
  'numeric(10,2)': ['0.00', '-12.50', '20240229.00', '1.00'],
  'numeric(10,0)': whole,
  numeric: ['0', '-12.50', '1.00', '"NaN"'],
  float4: ['0', '1e+10', '-0.5', '"NaN"'],
  float8: ['0', '1e+100', '-0.5', '"Infinity"'],
  bool: ['true', 'false'],
  varchar: quote(['', '1', 'true', '2024-02-29', '2024-02-29T10:00:00', '10:00:00']),
  date: quote(['2024-02-29', 'infinity', '0044-03-15 BC']),
  time: quote(['10:00:00', '24:00:00']),
  timestamp: quote([...moments, 'infinity', '0044-03-15T00:00:00 BC']),
  timestamptz: quote([...moments.map((each) => `${each}+00:00`), 'infinity', '0044-03-15T00:00:00+00:00 BC']),
  uuid: quote(['00000000-0000-0000-0000-000000000000']),
  bytea: quote(['\\x', '\\x2024']),
  json: quote(['1', '"2024-02-29"', '{"a": 1, "a": 2}']),
  jsonb: quote(['1', 'true']),
  other: quote(['{1,NULL}', '1 day', '2024-02-29']),
};

/** As though nothing had refused it: an object may have been made under another version of the model. */
function misfitTable(type: DeclaredType, builder: BuilderName): Dimension {
  const fitting = assemble(type, takenBy[type][0] ?? 'int').table('dim_thing') as Dimension;
  const [id, value] = fitting.columns;
  if (id === undefined || value === undefined) throw new Error('a column is missing');
  return { ...fitting, columns: [id, { ...value, ...builders[builder].make('value') }] };
}

describe('a row whose field does not have the form of its column', () => {
  it.each(misfits.flatMap(([type, builder]) => [true, false].map((scan) => [type, builder, scan] as const)))(
    '(%s as %s, scanner %s) is quarantined and never misread',
    async (type, builder, scan) => {
      const lines = texts[type].map((text, id) => `{"thing_id":${id},"value":${text}}\n`);
      const made = await transformRows(
        cutAnywhere(Buffer.from(lines.join('')), [7]),
        misfitTable(type, builder),
        assemble('int4', 'int').calendar,
        { scan },
      );
      expect({ landed: made.rows, quarantined: made.quarantine.rows }).toEqual({
        landed: 0,
        quarantined: lines.length,
      });
    },
  );

  it.each([true, false])('is quarantined where something follows a timestamp (scanner %s)', async (scan) => {
    const table = assemble('timestamp', 'timeOf').table('dim_thing') as Dimension;
    const line = (text: string) => `{"thing_id":1,"value":"${text}"}\n`;
    const lines = ['2024-02-29T10:00:00', '2024-02-29T10:00:00T', '2024-02-29T10:00:00T11:00:00']
      .map(line)
      .join('');
    const made = await transformRows(
      cutAnywhere(Buffer.from(lines), [1000]),
      table,
      assemble('int4', 'int').calendar,
      {
        scan,
      },
    );
    expect({ landed: made.rows, quarantined: made.quarantine.rows }).toEqual({ landed: 1, quarantined: 2 });
  });
});

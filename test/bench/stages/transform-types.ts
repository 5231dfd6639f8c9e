import { transformRows } from '../../../services/transformation/rows/transform-rows.ts';
import {
  bigint,
  boolean,
  bytea,
  type ColumnDefinition,
  carried,
  defineDimension,
  doublePrecision,
  int,
  json,
  jsonb,
  numeric,
  real,
  type SourceType,
  sameDate,
  smallint,
  text,
  time,
  timestamp,
  timestamptz,
  uuid,
} from '../../../shared/model/define.ts';
import { assembleModel, type Dimension } from '../../../shared/model/model.ts';

interface BenchedType {
  source: SourceType;
  make(field: string): ColumnDefinition;
  /** As a line has it; # stands for the last digits of the row's number. */
  value: string;
}

/** A column of each kind, with values as an extract writes them. */
export const benchedTypes: Readonly<Record<string, BenchedType>> = {
  smallint: { source: 'int2', make: smallint, value: '1#' },
  bigint: { source: 'int8', make: bigint, value: '922337203685#' },
  'numeric(12,2)': { source: 'numeric(12,2)', make: (field) => numeric(12, 2, field), value: '1234#.50' },
  numeric: { source: 'numeric', make: (field) => carried('numeric', field), value: '1234#.5000' },
  real: { source: 'float4', make: real, value: '0.1#' },
  'double precision': { source: 'float8', make: doublePrecision, value: '12345.1#' },
  boolean: { source: 'bool', make: boolean, value: 'true' },
  text: { source: 'varchar', make: text, value: '"a text of some words, number #"' },
  date: { source: 'date', make: sameDate, value: '"2024-02-29"' },
  time: { source: 'time', make: time, value: '"12:34:56.78#"' },
  timestamp: { source: 'timestamp', make: timestamp, value: '"2024-02-29T12:34:56.78#"' },
  timestamptz: { source: 'timestamptz', make: timestamptz, value: '"2024-02-29T12:34:56.78#+00:00"' },
  uuid: { source: 'uuid', make: uuid, value: '"018f4d5e-7c1a-7d3b-8a00-00000000#"' },
  bytea: { source: 'bytea', make: bytea, value: '"\\\\x00ff5c22#"' },
  json: { source: 'json', make: json, value: '"{\\"number\\": #}"' },
  jsonb: { source: 'jsonb', make: jsonb, value: '"{\\"number\\": #}"' },
  'integer[]': { source: 'other', make: (field) => carried('integer[]', field), value: '"{1,2,#}"' },
  masked: { source: 'masked', make: text, value: `"${'0123456789abcdef'.repeat(4).slice(0, 60)}#"` },
  integer: { source: 'int4', make: int, value: '12345#' },
};

const linesPerChunk = 1000;
const digits = 4;

/** Rows of a key and one value, from the lines of an extract to Parquet. */
export async function transformType(task: Record<string, string>): Promise<void> {
  const type = benchedTypes[task.type ?? ''];
  if (type === undefined) throw new Error(`there is no type ${task.type}`);
  const rows = Number(task.rows);
  const table = defineDimension({
    name: 'dim_thing',
    source: { table: 'thing', key: ['id'], columns: { id: 'int4', value: type.source } },
    key: ['id'],
    columns: { id: int('id'), value: type.make('value') },
  });
  const model = assembleModel({ name: 'types', tables: [table] });
  const { quarantine, lines } = await transformRows(
    chunksOf(type.value, rows),
    model.table('dim_thing') as Dimension,
    undefined,
  );
  if (lines !== rows || quarantine.rows > 0) throw new Error(`${quarantine.rows} of ${lines} rows are bad`);
}

async function* chunksOf(value: string, rows: number): AsyncGenerator<Uint8Array> {
  for (let first = 0; first < rows; first += linesPerChunk) {
    const count = Math.min(linesPerChunk, rows - first);
    const lines = Array.from({ length: count }, (_, index) => {
      const number = String((first + index) % 10 ** digits).padStart(digits, '0');
      return `{"id":${first + index},"value":${value.replace(/#+/, number)}}\n`;
    });
    yield Buffer.from(lines.join(''));
  }
}

import type pg from 'pg';
import { TerminalError } from '../../../shared/errors.ts';
import type { Dimension, Fact, SourceField, WarehouseTable } from '../../../shared/model/model.ts';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import {
  describeServerError,
  isServerError,
  type ServerError,
} from '../../../shared/postgres/server-error.ts';
import type { QuarantinedRow } from '../../../shared/records/quarantine-file.ts';

/** A column whose values travel as text. */
export interface CarriedColumn {
  name: string;
  /** The name, quoted. */
  column: string;
  /** Its type as SQL writes it. */
  sql: string;
}

/** How a row of a table of texts is shown in quarantine: SQL expressions over the warehouse's columns. */
export interface ShownRow {
  /** The source's key as texts, and whether they are whole numbers; none where the warehouse's table lacks a part of it. */
  key: readonly { text: string; isNumber: boolean }[];
  /** JSON of the fields, as far as the columns are fields as they are, or the date and the time of one. */
  fields: string;
}

interface TextsTable {
  name: string;
  /** Its column that numbers the rows. */
  nth: string;
}

interface ProbedTarget {
  /** Of the warehouse, quoted. */
  table: string;
  carried: readonly CarriedColumn[];
  shown: ShownRow;
}

/** With more of them it is the column that is wrong, and not the rows. */
const maxRows = 10_000;

const probe = 'pg_temp.carried_probe';
const uncastable = 'pg_temp.carried_uncastable';

/**
 * Takes out of a table of texts the rows of which the warehouse cannot read a value.
 *
 * @param castText the expression that casts a column
 * @throws {TerminalError} they are too many; the message names a column and a row's key
 */
export async function takeUncastable(
  client: pg.ClientBase,
  texts: TextsTable,
  { table, carried, shown }: ProbedTarget,
  castText: (column: CarriedColumn) => string,
): Promise<QuarantinedRow[]> {
  await client.query(`create index on ${texts.name} (${texts.nth})`);
  await client.query(probeRows(texts, table, carried, castText));
  const key = shown.key.length === 0 ? 'null' : `array[${shown.key.map(({ text }) => text).join(', ')}]`;
  const { rows } = await client.query<FoundRow>(
    `select u.nth::float8 as nth, u.place, u.state as code, u.message,
            ${key} as key, ${shown.fields} as fields
       from ${uncastable} u join ${texts.name} t on t.${texts.nth} = u.nth
      order by u.nth limit ${maxRows + 1}`,
  );
  const found = rows.map((row) => describeRow(row, carried, shown));
  const [first] = found;
  if (first !== undefined && found.length > maxRows) {
    const where = first.key === null ? '' : ` in the row with the key ${[first.key].flat().join(', ')}`;
    throw new TerminalError(
      `${table}."${first.column}" ${first.reason}${where}, and so in more than ${maxRows} others. Make the column as text`,
    );
  }
  await client.query(`
    delete from ${texts.name} t using ${uncastable} u where t.${texts.nth} = u.nth;
    drop table ${uncastable}, ${probe}`);
  return found;
}

/** Class 22: a value that does not fit. Class 54: one that is too large for its type. */
export function isDataException(error: unknown): error is ServerError {
  return isServerError(error) && /^(22|54)/.test(error.code);
}

interface FoundRow {
  nth: number;
  /** Of the column among the carried ones, from 1. */
  place: number;
  code: string;
  message: string;
  key: (string | null)[] | null;
  fields: string;
}

function describeRow(
  { nth, place, code, message, key, fields }: FoundRow,
  carried: readonly CarriedColumn[],
  { key: parts }: ShownRow,
): QuarantinedRow {
  const column = carried[place - 1];
  const values = (key ?? []).map((text, index) =>
    parts[index]?.isNumber === true && Number.isSafeInteger(Number(text)) ? Number(text) : text,
  );
  const isWhole = values.length > 0 && values.every((value) => value !== null);
  const [only = null] = values;
  return {
    line: nth,
    key: isWhole ? (values.length === 1 ? only : (values as (string | number)[])) : null,
    column: column?.name ?? null,
    reason: `cannot be ${column?.sql}: ${describeServerError({ message, code, severity: 'ERROR' })}`,
    row: fields,
  };
}

const chunkRows = 1000;

/**
 * A program that stores the values of each row as the warehouse's table would, and notes the rows in which that fails. Each
 * attempt is a subtransaction, so it tries a thousand rows at once first.
 */
function probeRows(
  texts: TextsTable,
  table: string,
  carried: readonly CarriedColumn[],
  castText: (column: CarriedColumn) => string,
): string {
  const columns = carried.map(({ column }) => column).join(', ');
  const from = `from ${texts.name} t where t.${texts.nth}`;
  const attempts = carried.map(
    (each, index) => `
          begin
            insert into ${probe} (${each.column}) select ${castText(each)} ${from} = row_nth;
          exception when data_exception or program_limit_exceeded then
            get stacked diagnostics text_of = message_text, state_of = returned_sqlstate;
            insert into ${uncastable} values (row_nth, ${index + 1}, state_of, text_of)
              on conflict do nothing;
          end;`,
  );
  return `
    create temporary table ${probe} on commit drop as select ${columns} from ${table} with no data;
    create temporary table ${uncastable} (nth bigint primary key, place int, state text, message text) on commit drop;
    do $starlift_probe$
    declare
      first_nth bigint;
      row_nth bigint;
      text_of text;
      state_of text;
    begin
      for first_nth in select generate_series(1, (select max(${texts.nth}) from ${texts.name}), ${chunkRows}) loop
        begin
          insert into ${probe} (${columns}) select ${carried.map(castText).join(', ')} ${from} between first_nth and first_nth + ${chunkRows - 1};
        exception when data_exception or program_limit_exceeded then
          for row_nth in select t.${texts.nth} ${from} between first_nth and first_nth + ${chunkRows - 1} order by 1 loop${attempts.join('')}
          end loop;
        end;
      end loop;
    end
    $starlift_probe$`;
}

/** @param table one that is made of a source */
export function showRows(table: WarehouseTable): ShownRow {
  if (table.kind === 'calendar') return { key: [], fields: 'null::text' };
  const fields = new Map<string, string>();
  for (const field of table.source.fields) {
    const expression = field.path === undefined ? jsonOf(field, table) : undefined;
    if (expression !== undefined) fields.set(field.name, expression);
  }
  const key = table.source.key.flatMap((name) => {
    const expression = fields.get(name);
    const type = table.source.columns.find((column) => column.name === name)?.type ?? '';
    const isNumber = ['int2', 'int4', 'int8', 'oid'].includes(type);
    return expression === undefined ? [] : [{ text: `(${expression} #>> '{}')`, isNumber }];
  });
  const shown = [...fields].map(([name, expression]) => `${expression} as ${quoteIdentifier(name)}`);
  return {
    key: key.length === table.source.key.length ? key : [],
    fields: `(select row_to_json(shown)::text from (select ${shown.join(', ')}) shown)`,
  };
}

/** A field's value as the ingested zone has it. */
function jsonOf({ name, type }: SourceField, { columns }: Dimension | Fact): string | undefined {
  const made = (kind: string) => columns.find(({ from }) => from.field === name && from.kind === kind);
  const plain = made('field');
  if (plain !== undefined) return `to_json(t.${quoteIdentifier(plain.name)})`;
  const [date, time] = [made('date of'), made('time of')];
  if (date === undefined || time === undefined) return undefined;
  const moment = `(t.${quoteIdentifier(date.name)} + t.${quoteIdentifier(time.name)})`;
  return `to_json(${moment}${type === 'timestamptz' ? ` at time zone 'UTC'` : ''})`;
}

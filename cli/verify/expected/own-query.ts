import type { Model, WarehouseTable } from '../../../shared/model/model.ts';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import { describeColumns, textOf } from '../databases/postgres-types.ts';
import { selectNamedDays } from './calendar-days.ts';
import type { Expectation } from './expect-files.ts';
import { type ExpectedRows, type SourceReading, selectLateKeys } from './generated-rows.ts';
import { replaceLacking } from './lacking-characters.ts';

/**
 * The rows that a query of the user's own asks for. Which of them are late it cannot say, so that is asked by the key,
 * of the rows that the model makes the table of.
 *
 * @throws {Error} the query fails, or gives other columns than the table's
 */
export async function selectOwn(
  { file, sql: written }: Expectation,
  table: WarehouseTable,
  reading: SourceReading & { model: Model },
): Promise<ExpectedRows> {
  const { sql, restore } = await replaceLacking(reading.source, written);
  const from = `from (\n${sql}\n) as expected`;
  const given = await describeColumns(reading.source, `select * ${from}`);
  assertColumns(
    file,
    table.columns.map(({ name }) => name),
    given.map(({ name }) => name),
  );
  const list = table.columns.map(({ name }, index) => `expected.${quoteIdentifier(name)} as c${index}`);
  const key = table.key.map((name) => {
    const type = given.find((column) => column.name === name) ?? { oid: 0, modifier: -1 };
    return textOf(`expected.${quoteIdentifier(name)}`, type);
  });
  const rest =
    table.kind === 'calendar'
      ? `false as is_pending ${from} where not ${await selectLateDay(table, key.join(), reading)}`
      : `${await selectLateKey(table, key, reading)} as is_pending ${from}`;
  return {
    query: `select ${list.join(', ')}, ${rest}`,
    ...(restore && { complete: (texts) => texts.map((text) => text && restore(text)) }),
  };
}

function assertColumns(file: string, wanted: readonly string[], given: readonly string[]): void {
  const lacking = wanted.filter((name) => !given.includes(name));
  if (lacking.length > 0) throw new Error(`${file} does not give ${lacking.join(', ')}`);
  const excess = given.filter((name, index) => !wanted.includes(name) || given.indexOf(name) !== index);
  if (excess.length > 0)
    throw new Error(`${file} gives ${excess.join(', ')}, ${describeExcess(excess, wanted)}`);
}

const describeExcess = (excess: readonly string[], wanted: readonly string[]): string =>
  excess.some((name) => wanted.includes(name))
    ? 'and may give each column once'
    : 'which the table does not have';

async function selectLateKey(
  table: Exclude<WarehouseTable, { kind: 'calendar' }>,
  key: readonly string[],
  reading: SourceReading,
): Promise<string> {
  const late = await selectLateKeys(table, reading);
  if (typeof late === 'string') return String(late === 'all');
  return `coalesce((${key.join(', ')}) in (${late.query}), false)`;
}

/** A day is late that late rows name, and no others. Those of the others are read only where there are late ones. */
async function selectLateDay(
  calendar: Extract<WarehouseTable, { kind: 'calendar' }>,
  day: string,
  reading: SourceReading & { model: Model },
): Promise<string> {
  const texts = (days: string) => `select day::text from (${days}) as named`;
  let isAny = false;
  const late = await selectNamedDays(calendar, reading, async (isLate, rows) => {
    if (!(await reading.hasLate(rows))) return undefined;
    isAny = true;
    return isLate;
  });
  if (!isAny) return 'false';
  const others = await selectNamedDays(calendar, reading, (isLate) => `not ${isLate}`);
  return `case when ${day} in (${texts(late)}) then ${day} not in (${texts(others)}) else false end`;
}

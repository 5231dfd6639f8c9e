import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { execute } from './setup/servers.ts';

/** What must be the same at both ends of a road that sales orders take. */
export interface SalesSums {
  rows: number;
  units: number;
  /** Hundredths. */
  price: number;
}

export const sumsOfSource = (url: string): Promise<SalesSums> => sumsOfTable(url, 'sales_order');
export const sumsOfFact = (url: string): Promise<SalesSums> => sumsOfTable(url, 'fact_sales_order');

export async function sumsOfTable(url: string, table: string): Promise<SalesSums> {
  const [sums] = await execute<Record<keyof SalesSums, string>>(url, [
    `select count(*) as rows, sum(units_sold) as units, sum(unit_price) * 100 as price from ${table}`,
  ]);
  return { rows: Number(sums?.rows), units: Number(sums?.units), price: Number(sums?.price) };
}

/** @param folder of NDJSON files */
export const sumsOfLines = (folder: string): Promise<SalesSums> =>
  sumsOfFiles(folder, (line) => {
    const { units_sold, unit_price } = JSON.parse(line) as Record<string, unknown>;
    return { units: Number(units_sold), price: Number(unit_price) };
  });

/** @param folder of files in COPY's text format, the columns as the sample shop's table has them */
export const sumsOfCopyText = (folder: string): Promise<SalesSums> =>
  sumsOfFiles(folder, (line) => {
    const fields = line.split('\t');
    return { units: Number(fields[4]), price: Number(fields[5]) };
  });

/** @param paths of Parquet files of fact_sales_order */
export async function sumsOfParquet(paths: readonly string[]): Promise<SalesSums> {
  const sums = { rows: 0, units: 0, price: 0 };
  for (const path of paths) {
    const file = await asyncBufferFromFile(path);
    for (const row of await parquetReadObjects({ file, columns: ['units_sold', 'unit_price'] })) {
      add(sums, { units: Number(row.units_sold), price: Number(row.unit_price) });
    }
  }
  return sums;
}

/** @throws they are not the same */
export function assertSums(found: SalesSums, expected: SalesSums): void {
  const show = ({ rows, units, price }: SalesSums) => `${rows} rows, ${units} units, ${price} of price`;
  if (show(found) !== show(expected)) throw new Error(`${show(found)}: expected ${show(expected)}`);
}

async function sumsOfFiles(
  folder: string,
  parse: (line: string) => { units: number; price: number },
): Promise<SalesSums> {
  const sums = { rows: 0, units: 0, price: 0 };
  for (const name of await readdir(folder)) {
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) })) {
      add(sums, parse(line));
    }
  }
  return sums;
}

function add(sums: SalesSums, { units, price }: { units: number; price: number }): void {
  sums.rows++;
  sums.units += units;
  sums.price += Math.round(price * 100);
}

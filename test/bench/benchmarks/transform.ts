import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Benchmark, compare, withFolder, withStages } from '../benchmark.ts';
import type { Subject } from '../measure/alternate.ts';
import { installPeers } from '../peers/install-peers.ts';
import { type Resident, startResident } from '../resident.ts';
import { assertSums, type SalesSums, sumsOfParquet, sumsOfSource } from '../sales-sums.ts';
import { emptyFolder } from '../setup/empty-folder.ts';
import { ordersDatabase } from '../setup/source-databases.ts';
import { listKeys } from '../stages/folder-store.ts';

export const benchmark: Benchmark = {
  name: 'transform',
  about: 'NDJSON of sales_order to Parquet, both on disk and not compressed, against DuckDB on one thread',
  run: async (context) => {
    const { servers, rows } = context;
    const source = await ordersDatabase(servers.source, rows);
    const expected = await sumsOfSource(source);
    const duckdb = await startDuckdb();
    try {
      return await withFolder((folder) =>
        withStages(async (stages) => {
          const from = join(folder, 'lines');
          await stages.run({ stage: 'ingest', source, folder: from });
          const objects = join(folder, 'objects');
          await stages.run({ stage: 'extract', source, folder: objects });
          const subjects = [
            fromObjects(stages, objects, join(folder, 'processed'), expected),
            fromLines(stages, from, join(folder, 'parquet'), expected),
          ];
          if (duckdb !== undefined) subjects.push(rival(duckdb, from, join(folder, 'duckdb'), expected));
          return compare('transform', subjects, context, { rows });
        }),
      );
    } finally {
      await duckdb?.stop();
    }
  },
};

/** As it is deployed: zstd objects in, and the dates beside the facts out. */
function fromObjects(stages: Resident, from: string, folder: string, expected: SalesSums): Subject {
  return {
    name: 'starlift, zstd objects',
    prepare: () => emptyFolder(folder),
    run: () => stages.run<void>({ stage: 'transform', from, folder }),
    check: async () => {
      const facts = listKeys(folder).filter((key) => key.startsWith('fact_sales_order/'));
      assertSums(await sumsOfParquet(facts.map((key) => join(folder, key))), expected);
    },
  };
}

function fromLines(stages: Resident, from: string, folder: string, expected: SalesSums): Subject {
  return {
    name: 'starlift, not compressed',
    prepare: () => emptyFolder(folder),
    run: () => stages.run<void>({ stage: 'transform-lines', from, folder }),
    check: () => assertFolder(folder, expected),
  };
}

function rival(duckdb: Resident, from: string, folder: string, expected: SalesSums): Subject {
  return {
    name: 'DuckDB, one thread',
    prepare: () => emptyFolder(folder),
    run: () => duckdb.run<void>({ from, to: join(folder, 'rows.parquet') }),
    check: () => assertFolder(folder, expected),
  };
}

async function assertFolder(folder: string, expected: SalesSums): Promise<void> {
  const names = await readdir(folder);
  assertSums(await sumsOfParquet(names.map((name) => join(folder, name))), expected);
}

async function startDuckdb(): Promise<Resident | undefined> {
  const programs = await installPeers();
  if (programs === undefined) return undefined;
  const program = fileURLToPath(new URL('../peers/duckdb_transform.py', import.meta.url));
  return startResident(join(programs, 'python'), [program]);
}

import { join } from 'node:path';
import { type Benchmark, compare, withFolder, withStages } from '../benchmark.ts';
import { copyCommand, referenceName, runInShell } from '../reference/copy-command.ts';
import { execute } from '../setup/servers.ts';
import { once } from '../setup/source-databases.ts';
import { freshDatabase } from '../setup/warehouses.ts';

/** Keys for each row of the benchmark. */
const size = 5;

export const benchmark: Benchmark = {
  name: 'census',
  about: `the keys of a table of ${size} times as many rows, read, and applied where 0, 100 and --rows are gone, against a plan's scan and count(*) of the heap`,
  isLong: true,
  run: async (context) => {
    const { servers, rows } = context;
    const keys = rows * size;
    const source = await once(servers.source, `items_${keys}`, async (unfinished) => {
      const url = await servers.source.createDatabase(unfinished);
      await execute(url, [
        'create table item (item_id int primary key, note varchar not null)',
        `insert into item select n, repeat('x', 100) from generate_series(1, ${keys}) n`,
      ]);
      await execute(url, ['vacuum (analyze)']);
    });
    return withFolder((folder) =>
      withStages(async (stages) => {
        let round = 0;
        const ingested = () => join(folder, `ingested-${round}`);
        const processed = join(folder, 'processed');
        await stages.run({ stage: 'read-census', source, folder: ingested() });
        await stages.run({ stage: 'transform-census', from: ingested(), folder: processed });
        const read = {
          name: 'starlift reads it',
          prepare: async () => void round++,
          run: () => stages.run<void>({ stage: 'read-census', source, folder: ingested() }),
          check: async () => {},
        };
        const applied = [];
        for (const gone of [0, 100, rows]) {
          const template = `items_${gone}`;
          const warehouse = await freshDatabase(servers.warehouse, template);
          await stages.run({ stage: 'make-items', warehouse });
          // Of no known object, so older than any census.
          await execute(warehouse, [
            `insert into dim_item (item_id, note, _object_id)
             select n, repeat('x', 100), 1 from generate_series(1, ${keys + gone}) n`,
          ]);
          await execute(warehouse, ['vacuum (analyze)']);
          let marked = 0;
          applied.push({
            name: `starlift applies it, ${gone} gone`,
            prepare: async () => void (await freshDatabase(servers.warehouse, `applied_${gone}`, template)),
            run: async () => {
              const task = { stage: 'apply-census', warehouse: servers.warehouse.url(`applied_${gone}`) };
              marked = await stages.run<number>({ ...task, folder: processed });
            },
            check: async () => {
              if (marked !== gone) throw new Error(`${marked} rows were marked of ${gone} that are gone`);
            },
          });
        }
        const heapScan = {
          name: `${referenceName} count(*)`,
          run: () =>
            runInShell(copyCommand(source, 'set enable_indexonlyscan = off; select count(*) from item')),
          check: async () => {},
        };
        // What a plan asks of a table in which nothing is new.
        const next = `(pg_snapshot_xmax(pg_current_snapshot())::text::int8 % 4294967296)::text::xid`;
        const look = {
          name: `${referenceName} a plan's scan`,
          run: () =>
            runInShell(
              copyCommand(
                source,
                `set jit = off; select count(*) from item where age(xmin) <= (select age(${next})) and age(xmin) >= 0`,
              ),
            ),
          check: async () => {},
        };
        return compare('census', [read, ...applied, look, heapScan], context, { rows: keys });
      }),
    );
  },
};

import { zstdDecompressSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { coverAll } from '../../../shared/census/range.ts';
import { defineDimension, int, textOf, varchar } from '../../../shared/model/define.ts';
import { assembleModel, type Model } from '../../../shared/model/model.ts';
import { formatVerdictKey, loadedKey, parseObjectKey } from '../../../shared/object-store/object-key.ts';
import { type CensusMetadata, parseIngestedMetadata } from '../../../shared/object-store/object-metadata.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { type CaptureBench, makeCaptureBench } from './capture-bench.ts';

const items = assembleModel({
  name: 'test',
  tables: [
    defineDimension({
      name: 'dim_item',
      source: { table: 'item', key: ['item_id'], columns: { item_id: 'int4' } },
      key: ['item_id'],
      columns: { item_id: int('item_id') },
    }),
  ],
});

/** Of two columns, in another order than the table's. */
const lines = assembleModel({
  name: 'test',
  tables: [
    defineDimension({
      name: 'dim_line',
      source: { table: 'line', key: ['name', 'line'], columns: { line: 'int4', name: 'varchar' } },
      key: ['line', 'name'],
      columns: { line: int('line'), name: varchar('name') },
    }),
  ],
});

interface Part {
  slice: string;
  rows: number;
  census: CensusMetadata;
  keys: string[];
}

describe('a census of more keys than an object holds', () => {
  let server: PostgresServer;
  let bench: CaptureBench;
  let now: Date;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  afterEach(() => bench?.end());

  /** So many keys of four digits have room in an object, about. */
  const room = 1000;
  const limits = { model: items, censusLimits: { maxCopyBytes: 5 * room, maxBytes: 2 ** 20 } };
  const start = async (table: string, rows: string) => {
    now = new Date('2026-11-30T10:00:00Z');
    bench = await makeCaptureBench(await server.createDatabase(`parts_${Date.now()}`));
    await change(
      `create table if not exists ${table}; grant select on all tables in schema public to reader; ${rows}`,
    );
    const whole = [table.split(' ')[0]];
    await bench.store.put(
      loadedKey,
      Buffer.from(JSON.stringify({ version: 1, newest: null, entries: 0, generation: '0', whole })),
    );
  };
  const change = (sql: string) =>
    bench.source.query(`begin; ${sql}; select pg_stat_force_next_flush(); commit`);
  /** @returns the messages of the census alone; of the rows nothing is said here */
  const plan = async (model: Model): Promise<void> => {
    now = new Date(now.getTime() + 100_000);
    await bench.plan({ model, now: () => now, censusFloorSeconds: 60 });
    const censuses = bench.queue.filter(({ census }) => census !== undefined);
    expect(censuses.length).toBe(1);
    bench.queue.splice(0, bench.queue.length, ...censuses);
  };
  const take = async (options: Parameters<CaptureBench['extractAll']>[0] = limits) => {
    await plan(options?.model ?? items);
    await bench.extractAll(options);
    return newest();
  };
  /** The parts of the newest census, in the order of their keys. */
  const newest = async (): Promise<Part[]> => {
    const keys = [...bench.store.objects.keys()].filter((key) => key.startsWith('.census/')).sort();
    const run = parseObjectKey(keys.at(-1) ?? '').run;
    const parts: Part[] = [];
    for (const key of keys.filter((each) => parseObjectKey(each).run === run)) {
      const stored = await bench.store.get(key);
      const { rows, census } = parseIngestedMetadata(key, stored?.metadata ?? {});
      const text = zstdDecompressSync(stored?.body ?? Buffer.of()).toString();
      if (census === undefined) throw new Error(`${key} is no census`);
      parts.push({ slice: parseObjectKey(key).slice, rows, census, keys: text.split('\n').slice(0, -1) });
    }
    return parts.toSorted((a, b) => (a.slice < b.slice ? -1 : 1));
  };
  const expectAll = async (parts: readonly Part[]) => {
    expect(coverAll(parts.map(({ census }) => census))).toBe(true);
    const { rows } = await bench.source.query('select item_id from item order by 1');
    const ids = parts.flatMap(({ keys }) => keys.map((key) => JSON.parse(key).item_id as number));
    expect(ids.toSorted((x, y) => x - y)).toEqual(rows.map(({ item_id }) => item_id));
  };

  it('is read in parts that have each key once, and the next one is read in the same parts', async () => {
    await start('item (item_id int primary key)', 'insert into item select generate_series(1000, 5999)');
    const first = await take();
    expect(first.length).toBeGreaterThanOrEqual(5);
    await expectAll(first);
    // Nothing to compare with: the load looks at the warehouse.
    expect(first.every(({ census }) => census.previous === undefined)).toBe(true);

    await change('delete from item where item_id % 7 = 0');
    const second = await take();
    await expectAll(second);
    expect(second.map(({ census: { from, to } }) => [from, to])).toEqual(
      first.map(({ census: { from, to } }) => [from, to]),
    );
    expect(second.map(({ census }) => census.previousSlice)).toEqual(first.map(({ slice }) => slice));
    expect(second.some(({ census }) => census.held !== undefined)).toBe(false);
  });

  it('is cut where the statistics say how many keys there are, and a part that has grown is cut again', async () => {
    await start('item (item_id int primary key)', 'insert into item select generate_series(1, 4999, 2)');
    await bench.source.query('analyze item');
    const first = await take();
    await expectAll(first);
    await change(
      'insert into item select generate_series(2, 1000, 2); insert into item select generate_series(5001, 9999)',
    );
    await change('delete from item where item_id = 1');
    const second = await take();
    await expectAll(second);
    expect(second.length).toBeGreaterThan(first.length + 2);
    // What a part is compared with is what the last census has of its range.
    expect(second.filter(({ census }) => census.held !== undefined)).toEqual([]);
    expect(second.every(({ census }) => census.previous !== undefined)).toBe(true);
    const compared = second.find(({ census }) => census.from === undefined);
    expect(compared?.census.previousSlice).toBe(first[0]?.slice);
  });

  it('is held by its part, and by no other; what is decided holds for all', async () => {
    await start('item (item_id int primary key)', 'insert into item select generate_series(10000, 29999)');
    const options = { model: items, censusLimits: { maxCopyBytes: 6 * 5000, maxBytes: 2 ** 20 } };
    const first = await take(options);
    await change(
      'delete from item where item_id between 20000 and 21999; delete from item where item_id = 10000',
    );
    const second = await take(options);
    const held = second.filter(({ census }) => census.held !== undefined);
    expect(held.map(({ census }) => census.held)).toEqual([
      expect.stringMatching(/^(2000|1\d\d\d) of \d+ keys are gone$/),
    ]);
    // The next one is judged against the first, until somebody decides.
    await change('delete from item where item_id = 10001');
    const third = await take(options);
    const runOf = (parts: readonly Part[]) => parts.map(({ census }) => census.previous)[0];
    expect(runOf(third)).toBe(runOf(second));
    const keys = [...bench.store.objects.keys()].filter((key) => key.startsWith('.census/')).sort();
    const { run } = parseObjectKey(keys.at(-1) ?? '');
    await bench.store.put(
      formatVerdictKey(run, '0000'),
      Buffer.from(JSON.stringify({ version: 1, verdict: 'apply', decidedAt: now.toISOString() })),
    );
    await change('delete from item where item_id = 10002');
    const fourth = await take(options);
    expect(runOf(fourth)).toBe(run);
    expect(fourth.some(({ census }) => census.held !== undefined)).toBe(false);
    expect(first.length).toBe(fourth.length);
  });

  it('goes on where it was broken off after a part was put and before the rest was sent', async () => {
    await start('item (item_id int primary key)', 'insert into item select generate_series(1000, 5999)');
    await plan(items);
    const broken = { ...limits, send: () => Promise.reject(new Error('killed')) };
    const [message] = bench.queue.splice(0) as [ExtractMessage];
    await expect(bench.extract(message, broken)).rejects.toThrow('killed');
    // Another snapshot would cut elsewhere.
    await change('delete from item where item_id < 1100');
    expect(await bench.extract(message, limits)).toMatchObject({ outcome: 'already ingested' });
    await bench.extractAll(limits);
    const parts = await newest();
    expect(coverAll(parts.map(({ census }) => census))).toBe(true);
    const ids = parts.flatMap(({ keys }) => keys.map((key) => JSON.parse(key).item_id as number));
    expect(ids.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 5000 }, (_, index) => 1000 + index));
  });

  it.each([
    ['a text under the collation of a language', 'text collate "en-x-icu"'],
    ['a text under a nondeterministic collation', 'text collate loose'],
    ['a padded text', 'char(8)'],
  ])('is cut by a key of two columns, one of which is %s', async (_, type) => {
    await start(
      'item (item_id int)',
      `create collation if not exists loose (provider = icu, locale = 'und', deterministic = false);
      create table line (line int, name ${type}, primary key (name, line)); grant select on line to reader;
      insert into line select n % 10, (array['a', 'B', 'ä', 'é', 'Z', 'z', '-', 'ß'])[1 + n % 8] || n from generate_series(1, 3000) n`,
    );
    await bench.store.put(
      loadedKey,
      Buffer.from(JSON.stringify({ version: 1, newest: null, entries: 0, generation: '0', whole: ['line'] })),
    );
    const options = { model: lines, censusLimits: { maxCopyBytes: 8000, maxBytes: 2 ** 20 } };
    const first = await take(options);
    expect(first.length).toBeGreaterThan(3);
    const keys = first.flatMap((part) => part.keys);
    expect(new Set(keys).size).toBe(keys.length);
    const { rows } = await bench.source.query('select count(*)::int as n from line');
    expect(keys.length).toBe(rows[0]?.n);
    expect(coverAll(first.map(({ census }) => census))).toBe(true);
    await change('delete from line where line = 3');
    await change("insert into line select n, 'ä_' || n from generate_series(1, 2000) n");
    const second = await take(options);
    expect(second.filter(({ census }) => census.held !== undefined)).toEqual([]);
    const found = second.flatMap((part) => part.keys);
    const after = await bench.source.query('select count(*)::int as n from line');
    expect(new Set(found).size).toBe(after.rows[0]?.n);
  });

  it('is one object where its warehouse tables have other keys, and says so where that is too small', async () => {
    await start('item (item_id int primary key)', 'insert into item select generate_series(1000, 5999)');
    const other = assembleModel({
      name: 'test',
      tables: [
        defineDimension({
          name: 'dim_item',
          source: { table: 'item', key: ['item_id'], columns: { item_id: 'int4' } },
          key: ['item_id'],
          columns: { item_id: textOf('item_id') },
        }),
      ],
    });
    await plan(other);
    await expect(bench.extractAll({ ...limits, model: other })).rejects.toThrow(
      'the keys of item are more than a census holds',
    );
  });
});

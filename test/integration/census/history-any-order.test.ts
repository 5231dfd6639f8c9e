import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkTables } from '../../../shared/ledger/table-counts.ts';
import { versionsOf } from '../../../shared/model/history.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import type { ProcessedKey } from '../../../shared/object-store/object-key.ts';
import { type PostgresServer, startTemporaryPostgres } from '../../helpers/postgres/temporary-postgres.ts';
import { applyDue, drain } from '../../helpers/small-warehouse/deliveries.ts';
import { runOf } from '../../helpers/small-warehouse/parquet-objects.ts';
import { smallTables } from '../../helpers/small-warehouse/small-model.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';
import { type Captured, type History, histories, isWithin } from './deleted-histories.ts';

const [calendar, colour, shape, sale] = smallTables;
const model = assembleModel({ name: 'test', tables: [calendar, colour, versionsOf(colour), shape, sale] });
const versions = 'dim_colour__versions';

/** The clock of the source goes on by a minute with each step. */
const instantOf = (at: number) => new Date(Date.UTC(2026, 10, 30, 10, at)).toISOString();

interface Interval {
  id: string;
  name: string;
  from: string;
  /** `deleted` for one that no later version has ended. */
  to: string | null;
}

/** From when until when each state of a row held, as far as plans have seen it: by the order in which they have read. */
function intervalsOf(objects: readonly Captured[]): Interval[] {
  const open = new Map<string, Interval & { at: number }>();
  const all: Interval[] = [];
  for (const { rows, at, isCensus } of objects) {
    if (isCensus) continue;
    for (const { colour_id: id = '', name } of rows) {
      const before = open.get(String(id));
      if (before !== undefined && before.name === name) before.at = at;
      else {
        if (before !== undefined) before.to = instantOf(at);
        const interval = { id: String(id), name: String(name), from: instantOf(at), to: null, at };
        open.set(interval.id, interval);
        all.push(interval);
      }
    }
  }
  for (const last of open.values()) {
    const census = objects.findLast(({ isCensus, part = {} }) => isCensus && isWithin(part, last.id));
    const isGone = census !== undefined && !census.rows.some(({ colour_id }) => colour_id === last.id);
    if (isGone && census.at > last.at) last.to = 'deleted';
  }
  return all.map(({ id, name, from, to }) => ({ id, name, from, to }));
}

const sorted = (intervals: readonly Interval[]) =>
  intervals.toSorted((a, b) => (`${a.id} ${a.from}` < `${b.id} ${b.from}` ? -1 : 1));

describe('the history of a dimension', () => {
  let server: PostgresServer;
  let warehouse: WarehouseUnderTest;
  beforeAll(async () => {
    server = await startTemporaryPostgres();
  });
  afterAll(() => server.stop());
  afterEach(() => warehouse.end());

  const make = async () => {
    warehouse = await WarehouseUnderTest.make(await server.createDatabase(`history_${randomUUID()}`), model);
  };

  const empty = async () => {
    await warehouse.truncate('dim_colour', versions);
    warehouse.bucket.objects.clear();
  };

  const ofColours = ({ objects, order }: History) => {
    const wanted = objects.flatMap(({ table }, index) => (table === 'dim_colour' ? [index] : []));
    return {
      objects: wanted.map((index) => objects[index] as Captured),
      order: order.flatMap((index) => (wanted.includes(index) ? [wanted.indexOf(index)] : [])),
    };
  };

  const putAll = (objects: readonly Captured[], revision = 0) =>
    Promise.all(
      objects.map(({ rows, at, isCensus, part: { from, to } = {}, begunAt }, slice) =>
        warehouse.put(versions, {
          rows,
          xmax: 100 + at,
          slice,
          revision,
          readAt: instantOf(at),
          ...(isCensus && {
            census: {
              seconds: 0,
              previous: 'a run',
              ...(from !== undefined && { from: [String(from)] }),
              ...(to !== undefined && { to: [String(to)] }),
            },
            run: runOf(100 + (begunAt ?? at)),
          }),
        }),
      ),
    );

  const expectHistory = async (objects: readonly Captured[]) => {
    const found = await warehouse.ask(`
      select colour_id::text as id, name, extract(epoch from _valid_from)::int8 as from,
             case when _valid_to is null then null
                  when _valid_to > '2026-11-30 11:00+00' then 'deleted'
                  else extract(epoch from _valid_to)::int8::text end as to
        from dim_colour_history`);
    const instant = (seconds: string | null | undefined) => new Date(Number(seconds) * 1000).toISOString();
    const intervals = found.map(
      ({ id, name, from, to }): Interval => ({
        id: String(id),
        name: String(name),
        from: instant(from),
        to: to === 'deleted' || to == null ? (to ?? null) : instant(to),
      }),
    );
    expect(sorted(intervals)).toEqual(sorted(intervalsOf(objects)));
    const counts = await warehouse.database.withClient((client) =>
      checkTables(client, { model, schema: 'public' }, { mayNote: false }),
    );
    const count = counts.find(({ table }) => table === versions);
    expect(count?.loaded).toBe(count?.holds ?? 0);
  };

  it('depends on neither the order of deliveries nor their repetition, nor on what was made again', async () => {
    await make();
    await fc.assert(
      fc.asyncProperty(histories({ isClosed: false }), async (history) => {
        const { objects, order } = ofColours(history);
        await empty();
        const keys = await putAll(objects);
        const again = await putAll(objects, 1);
        for (const index of order) await warehouse.load(keys[index] as ProcessedKey);
        for (const index of order.slice(0, 6))
          await warehouse.load(again[index] as ProcessedKey, { replay: 'again' });
        await applyDue(warehouse);
        await expectHistory(objects);
      }),
      { numRuns: 25 },
    );
  });

  it('is the same with three loaders at a time, and replayed into an emptied table', async () => {
    await make();
    await fc.assert(
      fc.asyncProperty(histories({ isClosed: false }), async (history) => {
        const { objects, order } = ofColours(history);
        await empty();
        const keys = await putAll(objects);
        const queue = () => order.map((index) => keys[index] as ProcessedKey);
        const loaded = queue();
        await Promise.all([drain(warehouse, loaded), drain(warehouse, loaded), drain(warehouse, loaded)]);
        await applyDue(warehouse);
        await expectHistory(objects);
        await warehouse.ask(
          `truncate ${versions}, starlift.object, starlift.census, starlift.row_change, starlift.table cascade`,
        );
        const replayed = queue();
        await Promise.all([
          drain(warehouse, replayed, { replay: 'again' }),
          drain(warehouse, replayed, { replay: 'again' }),
        ]);
        await applyDue(warehouse);
        await expectHistory(objects);
      }),
      { numRuns: 12 },
    );
  });

  const history = () =>
    warehouse.ask(
      `select name, (_valid_from at time zone 'UTC')::text as from, (_valid_to at time zone 'UTC')::text as to
         from dim_colour_history where colour_id = 1 order by _valid_from, _valid_to`,
    );

  it('goes by what was read later, where the clock of the source was set back', async () => {
    await make();
    const load = (xmax: number, name: string, readAt: string) =>
      warehouse.putAndLoad(versions, { xmax, rows: [{ colour_id: '1', name }], readAt });
    await load(102, 'third', '2026-11-30T11:30:00Z');
    await load(101, 'second', '2026-11-30T09:00:00.000001Z');
    await load(100, 'first', '2026-11-30T10:00:00Z');
    expect(await history()).toEqual([
      { name: 'first', from: '2026-11-30 10:00:00', to: '2026-11-30 10:00:00' },
      { name: 'second', from: '2026-11-30 10:00:00', to: '2026-11-30 11:30:00' },
      { name: 'third', from: '2026-11-30 11:30:00', to: null },
    ]);
  });

  it('takes the time of its run for an object that does not say when it was read', async () => {
    await make();
    await warehouse.putAndLoad(versions, { rows: [{ colour_id: '1', name: 'red' }] });
    expect(await history()).toEqual([{ name: 'red', from: '2024-02-29 12:00:00', to: null }]);
  });
});

import { randomUUID } from 'node:crypto';
import { expect } from '@jest/globals';
import { makeRunRecordReader } from '../../../services/loading/initial-load/initial-load.ts';
import { transformObject } from '../../../services/transformation/transform/transform.ts';
import { checkTables } from '../../../shared/ledger/table-counts.ts';
import {
  loadedKey,
  type ObjectKey,
  type ProcessedKey,
  parseKnownKey,
  parseObjectKey,
} from '../../../shared/object-store/object-key.ts';
import { makeReadLayout } from '../../../shared/records/plan/layout.ts';
import type { PostgresServer } from '../../helpers/postgres/temporary-postgres.ts';
import { type MemoryStore, makeMemoryStore } from '../../helpers/rows/memory-store.ts';
import { applyDue, drain } from '../../helpers/small-warehouse/deliveries.ts';
import { WarehouseUnderTest } from '../../helpers/small-warehouse/warehouse-under-test.ts';
import { attachCaptureBench, type CaptureBench } from '../capture/capture-bench.ts';
import { ingestedObjects } from '../capture/ingested-rows.ts';
import {
  changeSource,
  makeSource,
  partitionedModel as model,
  type Source,
  type Step,
  sources,
} from './partitioned-source.ts';

const tables = Object.entries(sources) as [Source, string][];
/** Tables are left out while nothing is reported of them, for an hour. */
const quiet = {
  maxAgeSeconds: 3600,
  alwaysBytes: -1,
  restFactor: 0,
  overlapSeconds: 60,
  summariesAgeSeconds: 0,
};

/** Source, zones and warehouse, with changes, plans, extracts, transforms and loads to take one by one. */
export class PartitionedRoad {
  private readonly bench: CaptureBench;
  private readonly warehouse: WarehouseUnderTest;
  /** Chooses what is next where several are waiting. */
  private readonly random: Iterator<number>;
  private readonly transformed = new Set<string>();
  private readonly loaded = new Set<string>();
  private now = new Date('2026-11-30T10:00:00Z');
  private version = 0;

  private constructor(bench: CaptureBench, warehouse: WarehouseUnderTest, random: Iterator<number>) {
    this.bench = bench;
    this.warehouse = warehouse;
    this.random = random;
    warehouse.readRun = makeRunRecordReader(bench.store);
  }

  /** With the first rows loaded. */
  static async open(server: PostgresServer, random: Iterable<number>): Promise<PartitionedRoad> {
    const name = randomUUID();
    const bench = await attachCaptureBench(await server.createDatabase(`source_${name}`), makeMemoryStore());
    await makeSource(bench.source);
    const warehouse = await WarehouseUnderTest.make(await server.createDatabase(`warehouse_${name}`), model);
    const road = new PartitionedRoad(bench, warehouse, random[Symbol.iterator]());
    await road.plan(1);
    await road.deliverAll();
    const whole = { version: 1, newest: null, entries: 0, generation: '0', whole: Object.keys(sources) };
    await bench.store.put(loadedKey, Buffer.from(JSON.stringify(whole)));
    return road;
  }

  async take(step: Step): Promise<void> {
    switch (step.kind) {
      case 'change':
        for (const change of step.changes)
          await changeSource(this.bench.source, step.table, change, ++this.version);
        if (step.isReported) await this.report();
        return;
      case 'plan':
        return this.plan(step.seconds);
      case 'extract':
        for (let count = 0; count < step.count; count++) await this.extract();
        return;
      case 'transform':
        for (let count = 0; count < step.count; count++) await this.transform();
        return;
      case 'load':
        for (let count = 0; count < step.count; count++) await this.load();
    }
  }

  /** Captures and loads what is left; no clock goes so far that a table were read for its age alone. */
  async finish(): Promise<void> {
    await this.report();
    // One that is under way keeps the next one waiting.
    for (let plan = 0; plan < 3; plan++) {
      await this.plan(1000);
      await this.deliverAll();
    }
    await this.plan(1000);
    expect(this.bench.queue).toEqual([]);
  }

  /** Everything once more, into an empty warehouse. */
  async replayAll(): Promise<void> {
    await this.warehouse.truncate('dim_date', ...Object.values(sources));
    const queue = this.shuffled(
      [...this.processed().keys()].map((key) => parseObjectKey(key) as ProcessedKey),
    );
    await Promise.all([1, 2].map(() => drain(this.warehouse, queue, { replay: 'again' })));
    await applyDue(this.warehouse);
  }

  async expectExact(): Promise<void> {
    for (const [source, table] of tables) {
      const kept = table === 'dim_item' ? ['id', 'note'] : ['id', 'note', '(at_date + at_time)::text as at'];
      const { rows } = await this.bench.source.query(
        `select id::text, note${table === 'dim_item' ? '' : ', at::text'} from ${source} order by id`,
      );
      const current = await this.warehouse.ask(`select ${kept.join(', ')} from ${table}_current order by id`);
      expect({ table, rows: current }).toEqual({ table, rows });
      const keys = new Set(rows.map(({ id }) => id));
      // Of each key that was ever seen and is gone all rows are there, and are marked.
      const seen = new Set(
        ingestedObjects(this.bench.store, source).flatMap((object) =>
          object.rows.map(({ id }) => String(id)),
        ),
      );
      const gone = await this.warehouse.ask(
        `select id::text, bool_and(_deleted_by is not null)::text as deleted from ${table} group by id order by id`,
      );
      expect({ table, keys: gone.filter(({ id }) => !keys.has(id)) }).toEqual({
        table,
        keys: [...seen]
          .sort()
          .filter((id) => !keys.has(id))
          .map((id) => ({ id, deleted: 'true' })),
      });
    }
    const counts = await this.warehouse.database.withClient((client) =>
      checkTables(client, { model, schema: 'public' }, { mayNote: false }),
    );
    for (const { table, loaded, holds } of counts.filter((each) => each.table !== 'dim_date'))
      expect({ table, loaded }).toEqual({ table, loaded: holds ?? 0 });
  }

  async end(): Promise<void> {
    await this.bench.end();
    await this.warehouse.end();
  }

  private processed(): MemoryStore['objects'] {
    return this.warehouse.bucket.objects;
  }

  /** A session reports what it has written a while later. */
  private async report(): Promise<void> {
    await this.bench.source.query('select pg_stat_force_next_flush()');
  }

  private async plan(seconds: number): Promise<void> {
    this.now = new Date(this.now.getTime() + 1000 * seconds);
    await this.bench.plan({ model, now: () => this.now, censusFloorSeconds: 60, quiet });
  }

  /** @returns whether there was anything */
  private async extract(): Promise<boolean> {
    const [message] = this.bench.queue.splice(this.pick(this.bench.queue.length), 1);
    if (message !== undefined) await this.bench.extract(message, { model });
    return message !== undefined;
  }

  private async transform(): Promise<boolean> {
    const open = this.keysOf(this.bench.store.objects, 'ingested').filter(
      ({ text }) => !this.transformed.has(text),
    );
    const chosen = open[this.pick(open.length)];
    if (chosen?.key.zone !== 'ingested') return false;
    const create = async (key: string, body: Uint8Array, metadata: Record<string, string> = {}) => {
      this.processed().set(key, { body: Uint8Array.from(body), metadata, etag: '"etag"' });
      return 'created' as const;
    };
    await transformObject(chosen.key, {
      ingested: this.bench.store,
      processed: { create, list: this.bench.store.list },
      readLayout: makeReadLayout(this.bench.store),
      model,
      notify: async () => {},
      warn: () => {},
    });
    this.transformed.add(chosen.text);
    return true;
  }

  private async load(): Promise<boolean> {
    const open = this.keysOf(this.processed(), 'processed').filter(({ text }) => !this.loaded.has(text));
    const chosen = open[this.pick(open.length)];
    if (chosen?.key.zone !== 'processed') return false;
    await drain(this.warehouse, [chosen.key]);
    this.loaded.add(chosen.text);
    return true;
  }

  private async deliverAll(): Promise<void> {
    while (await this.extract());
    while (await this.transform());
    const open = this.keysOf(this.processed(), 'processed').filter(({ text }) => !this.loaded.has(text));
    const queue = this.shuffled(open.map(({ key }) => key as ProcessedKey));
    await Promise.all([1, 2, 3].map(() => drain(this.warehouse, queue)));
    for (const { text } of open) this.loaded.add(text);
    await applyDue(this.warehouse);
  }

  private keysOf(
    objects: MemoryStore['objects'],
    zone: ObjectKey['zone'],
  ): { text: string; key: ObjectKey }[] {
    return [...objects.keys()].sort().flatMap((text) => {
      const key = parseKnownKey(text);
      return key?.zone === zone ? [{ text, key }] : [];
    });
  }

  private pick(count: number): number {
    return Number(this.random.next().value) % Math.max(1, count);
  }

  private shuffled<T>(values: readonly T[]): T[] {
    const left = [...values];
    return values.flatMap(() => left.splice(this.pick(left.length), 1));
  }
}

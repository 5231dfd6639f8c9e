import { loadObject } from '../../../services/loading/load/load.ts';
import { transformObject } from '../../../services/transformation/transform/transform.ts';
import type { Model } from '../../../shared/model/model.ts';
import { parseObjectKey } from '../../../shared/object-store/object-key.ts';
import type { Database } from '../../../shared/postgres/database.ts';
import { makeReadLayout } from '../../../shared/records/plan/layout.ts';
import { readRunRecord } from '../../../shared/records/plan/run-record.ts';
import { parseQuarantineFile, type QuarantinedRow } from '../../../shared/records/quarantine-file.ts';
import { ensureWarehouse } from '../../../shared/warehouse/ensure-warehouse.ts';
import { type MemoryStore, makeMemoryStore } from '../../helpers/rows/memory-store.ts';
import { databaseAt } from '../../helpers/small-warehouse/warehouse-under-test.ts';
import { type CaptureBench, makeCaptureBench } from '../capture/capture-bench.ts';

/** From a source by way of both zones into a warehouse, in this process, for any model. */
export interface ModelRoad {
  bench: CaptureBench;
  warehouse: Database;
  processed: MemoryStore;
  /** The rows in quarantine, by warehouse table. */
  quarantined(): Map<string, QuarantinedRow[]>;
  /**
   * Captures, transforms and loads what is new.
   *
   * @throws {PipelineError} whatever ends a message
   */
  run(model: Model): Promise<void>;
  end(): Promise<void>;
}

export async function makeModelRoad(sourceUrl: string, warehouseUrl: string): Promise<ModelRoad> {
  const bench = await makeCaptureBench(sourceUrl);
  const warehouse = databaseAt(warehouseUrl);
  const ingested = bench.store;
  const processed = makeMemoryStore();
  const done = new Set<string>();
  const takeNew = (store: MemoryStore, suffix: string) => {
    const keys = [...store.objects.keys()].filter((key) => key.endsWith(suffix) && !done.has(key));
    for (const key of keys) done.add(key);
    return keys.map(parseObjectKey);
  };

  const transform = async (model: Model) => {
    for (const key of takeNew(ingested, '.ndjson.zst')) {
      if (key.zone !== 'ingested') throw new Error('not an ingested object');
      await transformObject(key, {
        ingested,
        readLayout: makeReadLayout(ingested),
        processed,
        model,
        warn: () => {},
        notify: async () => {},
      });
    }
  };
  const load = async (model: Model) => {
    const readRun = (run: string) => readRunRecord(ingested, run as never);
    for (const key of takeNew(processed, '.parquet')) {
      if (key.zone !== 'processed') throw new Error('not a processed object');
      const notify = async () => {};
      await loadObject(key, { database: warehouse, processed, notify, model, schema: 'public', readRun });
    }
  };
  return {
    bench,
    warehouse,
    processed,
    quarantined() {
      const byTable = new Map<string, QuarantinedRow[]>();
      for (const [key, { body }] of processed.objects) {
        if (!key.startsWith('quarantine/')) continue;
        const [, table = ''] = key.split('/');
        const rows = byTable.get(table) ?? [];
        byTable.set(table, [...rows, ...parseQuarantineFile(key, body).rows]);
      }
      return byTable;
    },
    async run(model) {
      await warehouse.withClient((client) =>
        ensureWarehouse(client, model, { schema: 'public', foreignKeys: 'declared', deferKeys: true }),
      );
      const { failures } = await bench.plan({ model });
      if (failures.length > 0) throw new Error(failures.map(({ reason }) => reason).join('\n'));
      await bench.extractAll({ model });
      await transform(model);
      await load(model);
    },
    end: async () => {
      await warehouse.end();
      await bench.end();
    },
  };
}

import { censusTableOf } from '../../../shared/census/census-table.ts';
import type { WarehouseTable } from '../../../shared/model/model.ts';
import { formatObjectKey, type ProcessedKey, type RunId } from '../../../shared/object-store/object-key.ts';
import {
  type CensusMetadata,
  formatProcessedMetadata,
} from '../../../shared/object-store/object-metadata.ts';
import type { StoredObject } from '../../../shared/object-store/object-store.ts';
import { writeParquet } from '../../../shared/parquet/write-parquet.ts';
import type { SliceId } from '../../../shared/records/plan/slices.ts';
import { type TextRow, toBatch } from '../rows/text-rows.ts';

export interface ObjectFacts {
  rows: TextRow[];
  /** pg_snapshot_xmax of the extract; the other parts of the version are equal in all. */
  xmax?: number;
  /** A number, or a slice's id. */
  slice?: number | SliceId;
  /** Where it is left out each xmax has a run of its own. */
  run?: RunId;
  revision?: number;
  /** When the extract has read its rows, ISO 8601. */
  readAt?: string;
  /** The object is a census: its rows are the keys, with the columns of a key alone. */
  census?: CensusMetadata;
}

/** A bucket in memory: what the store does over HTTP has tests of its own. */
export class Bucket {
  readonly bucket = 'processed';
  readonly objects = new Map<string, StoredObject>();

  /** A body of its own each time, as of an answer: its reader frees it. */
  get = async (key: string): Promise<StoredObject | undefined> => {
    const object = this.objects.get(key);
    return object && { ...object, body: Uint8Array.from(object.body) };
  };

  create = async (key: string, body: Uint8Array) => {
    if (this.objects.has(key)) return 'already there' as const;
    this.objects.set(key, { body, metadata: {}, etag: '"etag"' });
    return 'created' as const;
  };

  async put(table: WarehouseTable, facts: ObjectFacts): Promise<ProcessedKey> {
    const { rows, xmax = 100, slice = 0, revision = 0, run = runOf(xmax), readAt, census } = facts;
    const key: ProcessedKey = {
      zone: 'processed',
      table: table.name,
      run,
      revision,
      slice: String(slice).padStart(4, '0'),
      ...(census !== undefined && { census: true as const }),
    };
    const kept = census === undefined || table.kind === 'calendar' ? table : censusTableOf(table);
    const version = { generation: '1', xmax: String(xmax), xmin: '1', tie: '0' };
    this.objects.set(formatObjectKey(key), {
      body: await writeParquet(kept, [toBatch(kept, rows)]),
      metadata: formatProcessedMetadata({
        version,
        rows: rows.length,
        quarantined: 0,
        ...(readAt !== undefined && { readAt }),
        ...(census !== undefined && { census }),
      }),
      etag: '"etag"',
    });
    return key;
  }
}

/** The run of an object that says none. */
export const runOf = (xmax: number): RunId => `20240229T120000000Z${xmax.toString(16).padStart(4, '0')}`;

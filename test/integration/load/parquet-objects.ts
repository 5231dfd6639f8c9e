import { type DataType, makeData, RecordBatch, Struct, vectorFromArray } from 'apache-arrow';
import { formatObjectKey, type ProcessedKey, type RunId } from '../../../shared/object-store/object-key.ts';
import { formatProcessedMetadata } from '../../../shared/object-store/object-metadata.ts';
import type { StoredObject } from '../../../shared/object-store/object-store.ts';
import { arrowSchemaOf } from '../../../shared/parquet/arrow-schema.ts';
import { writeParquet } from '../../../shared/parquet/write-parquet.ts';
import type { SliceId } from '../../../shared/records/slices.ts';
import type { WarehouseTable } from '../../../shared/star-schema/assemble.ts';
import type { WarehouseType } from '../../../shared/star-schema/define.ts';

/** A value as Postgres' text, so that what a test writes down is what it expects to read back. */
export type TextRow = Record<string, string | null>;

export interface ObjectFacts {
  rows: TextRow[];
  /** pg_snapshot_xmax of the extract; the other parts of the version are equal in all. */
  xmax?: number;
  /** A number, or a slice's id. */
  slice?: number | SliceId;
  /** Where it is left out each xmax has a run of its own. */
  run?: RunId;
  revision?: number;
}

const day = 86_400_000;

/** A bucket in memory: what the store does over HTTP has tests of its own. */
export class Bucket {
  readonly bucket = 'processed';
  readonly objects = new Map<string, StoredObject>();

  get = async (key: string): Promise<StoredObject | undefined> => this.objects.get(key);

  async put(table: WarehouseTable, facts: ObjectFacts): Promise<ProcessedKey> {
    const { rows, xmax = 100, slice = 0, revision = 0, run = runOf(xmax) } = facts;
    const key: ProcessedKey = {
      ...{ zone: 'processed', table: table.name, run, revision },
      slice: String(slice).padStart(4, '0'),
    };
    const version = { generation: '1', xmax: String(xmax), xmin: '1', tie: '0' };
    this.objects.set(formatObjectKey(key), {
      body: await writeParquet(table, [toBatch(table, rows)]),
      metadata: formatProcessedMetadata({ version, rows: rows.length, quarantined: 0 }),
      etag: '"etag"',
    });
    return key;
  }
}

/** The run of an object that says none. */
export const runOf = (xmax: number): RunId => `20240229T120000000Z${xmax.toString(16).padStart(4, '0')}`;

export function toBatch(table: WarehouseTable, rows: readonly TextRow[]): RecordBatch {
  const schema = arrowSchemaOf(table);
  const children = table.columns.map(({ name, type }, index) => {
    const arrowType = schema.fields[index]?.type as DataType;
    const values = rows.map((row) => toArrow(type, row[name] ?? null));
    const [data] = vectorFromArray(values, arrowType).data;
    return data ?? makeData({ type: arrowType });
  });
  return new RecordBatch(
    schema,
    makeData({ type: new Struct(schema.fields), length: rows.length, nullCount: 0, children }),
  );
}

function toArrow(type: WarehouseType, text: string | null): unknown {
  if (text === null) return null;
  switch (type.name) {
    case 'int':
      return Number(text);
    case 'varchar':
      return text;
    case 'boolean':
      return text === 'true';
    case 'date':
      return Math.round(Date.parse(`${text}T00:00:00Z`) / day) * day;
    case 'time':
      return microseconds(text);
    case 'numeric':
      return decimal128(BigInt(text.replace('.', '')));
  }
}

/** @param text HH:MM:SS.ffffff */
function microseconds(text: string): bigint {
  const [hours = '', minutes = '', seconds = '', fraction = ''] = text.split(/[:.]/);
  const wholeSeconds = BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds);
  return wholeSeconds * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}

const decimal128 = (value: bigint): Uint32Array =>
  Uint32Array.from([0n, 32n, 64n, 96n], (shift) => Number((value >> shift) & 0xffff_ffffn));

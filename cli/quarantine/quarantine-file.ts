import { randomBytes } from 'node:crypto';
import {
  formatQuarantineKey,
  type ProcessedKey,
  parseObjectKey,
} from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { makeNewestRevisions, tableFolder } from '../replay/table-objects.ts';
import type { QuarantineFile } from './list-quarantine.ts';

const prefix = 'quarantine/';

/** A quarantine file that counts still. */
export interface CurrentFile {
  key: ProcessedKey;
  /** Keys of the records of what was given up of it. */
  records: string[];
}

/**
 * The file of the highest revision of each slice, unless a still higher one went through without.
 *
 * Where several tables are asked for, one listing answers for all: every run ends with it, and a listing for each of
 * eleven took 40 ms.
 *
 * @returns in the tables' order
 */
export async function listCurrent(
  processed: Pick<ObjectStore, 'list'>,
  tables: readonly string[],
): Promise<CurrentFile[]> {
  const [table, ...others] = tables;
  const folder = table !== undefined && others.length === 0 ? tableFolder(table) : '';
  const quarantined = makeNewestRevisions();
  const transformed = makeNewestRevisions();
  const days = new Set<string>();
  const records = new Map<string, string[]>();
  for await (const { key: text } of processed.list(prefix + folder)) {
    const dropped = fileOfDropRecord(text);
    if (dropped !== undefined) records.set(dropped, [...(records.get(dropped) ?? []), text]);
    const key = parseQuarantineKey(text);
    if (key === undefined || !tables.includes(key.table)) continue;
    quarantined.add(key);
    days.add(text.slice(prefix.length, text.lastIndexOf('/') + 1));
  }
  for (const day of days) {
    for await (const { key: text } of processed.list(day)) {
      const key = parseObjectKey(text);
      if (key.zone === 'processed') transformed.add(key);
    }
  }
  return quarantined
    .all()
    .filter((key) => (transformed.of(key)?.revision ?? 0) <= key.revision)
    .sort((one, other) => tables.indexOf(one.table) - tables.indexOf(other.table))
    .map((key) => ({ key, records: records.get(formatQuarantineKey(key)) ?? [] }));
}

function parseQuarantineKey(text: string): ProcessedKey | undefined {
  if (!text.endsWith('.ndjson')) return undefined;
  const key = parseObjectKey(text.slice(prefix.length).replace(/\.ndjson$/, '.parquet'));
  return key.zone === 'processed' ? key : undefined;
}

/** What an operator has given up of a quarantine file, as the object beside the file says it. */
interface DropRecord {
  version: 1;
  /** ISO 8601. */
  droppedAt: string;
  /** The numbers of the rows' lines in the ingested object; null: all rows, those too for which the file had no room. */
  lines: number[] | null;
}

const pattern = /\.dropped-[\w]+\.json$/;

/** The file that a key is beside, where it is the key of such a record. */
export const fileOfDropRecord = (key: string): string | undefined =>
  pattern.test(key) ? key.replace(pattern, '.ndjson') : undefined;

/** Writes down what is given up. The quarantine file stays as it is: it is the rows' own record. */
export async function putDropRecord(
  processed: Pick<ObjectStore, 'create'>,
  file: string,
  lines: number[] | null,
  now: Date,
): Promise<void> {
  const id = `${now.toISOString().replaceAll(/[-:.]/g, '')}${randomBytes(2).toString('hex')}`;
  const record: DropRecord = { version: 1, droppedAt: now.toISOString(), lines };
  const key = file.replace(/\.ndjson$/, `.dropped-${id}.json`);
  await processed.create(key, Buffer.from(JSON.stringify(record)));
}

/** Takes out of a file what its records say. */
export async function withoutDropped(
  processed: Pick<ObjectStore, 'get'>,
  file: QuarantineFile,
  recordKeys: readonly string[],
): Promise<QuarantineFile> {
  if (recordKeys.length === 0) return file;
  const records = await Promise.all(recordKeys.map((key) => readRecord(processed, key)));
  const isAll = records.some(({ lines }) => lines === null);
  const lines = new Set(records.flatMap((record) => record.lines ?? []));
  const isDropped = (line: number | null) => isAll || (line !== null && lines.has(line));
  const dropped = file.rows.filter(({ line }) => isDropped(line));
  return {
    ...{ ...file, dropped },
    rows: file.rows.filter(({ line }) => !isDropped(line)),
    quarantined: isAll ? 0 : file.quarantined - dropped.length,
  };
}

async function readRecord(processed: Pick<ObjectStore, 'get'>, key: string): Promise<DropRecord> {
  const object = await processed.get(key);
  return JSON.parse(Buffer.from(object?.body ?? '{"lines":[]}').toString()) as DropRecord;
}

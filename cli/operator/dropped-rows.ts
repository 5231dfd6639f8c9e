import { randomBytes } from 'node:crypto';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { QuarantineFile } from './quarantine.ts';

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

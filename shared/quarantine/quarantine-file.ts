import { randomBytes } from 'node:crypto';
import type { Model } from '../model/model.ts';
import { makeNewestRevisions } from '../object-store/newest-revisions.ts';
import {
  formatLoadQuarantineKey,
  formatObjectKey,
  formatQuarantineKey,
  formatTableFolder,
  loadQuarantineSuffix,
  type ProcessedKey,
  parseObjectKey,
} from '../object-store/object-key.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import { parseQuarantineFile, type QuarantinedRow } from '../records/quarantine-file.ts';

/** The rows of one slice that broke the contract when it was transformed last. */
export interface QuarantineFile {
  /** The warehouse table that they were meant for. */
  table: string;
  /** The file's key in the processed bucket. */
  file: string;
  /** The load has found them, whose warehouse cannot read a value of theirs; their lines are those of the processed object. */
  isOfLoad: boolean;
  /** The key of the object that they are in. */
  ingested: string;
  /** Without the rows that have been fixed, dropped, or quarantined again by a later run. */
  rows: QuarantinedRow[];
  /** Rows still in quarantine: more than `rows` where the file had no room for all. */
  quarantined: number;
  /** Rows still in quarantine for which the file had no room: they are in the ingested object, behind this line. */
  unlisted: { rows: number; afterLine: number };
  /** Rows that have since been loaded in a newer version. */
  mended: number;
  /** Rows that a later run's file has as well: they count there. */
  readAgain: number;
  /** Rows that an operator has dropped. */
  dropped: QuarantinedRow[];
}

const prefix = 'quarantine/';

interface NamedFile {
  /** Of the object that was transformed, or loaded, without the rows. */
  key: ProcessedKey;
  /** The load has found the rows, and not the transform. */
  isOfLoad: boolean;
}

/** Transform and load have a file of their own for one object. */
const formatFileKey = ({ key, isOfLoad }: NamedFile): string =>
  isOfLoad ? formatLoadQuarantineKey(key) : formatQuarantineKey(key);

/** A quarantine file that still counts. */
export interface CurrentFile extends NamedFile {
  /** Keys of its drop records. */
  records: string[];
}

/**
 * The file of the highest revision of each slice, unless a still higher one went through without.
 *
 * Where several tables are asked for, one listing answers for all: every run ends with it.
 *
 * @returns in the tables' order
 */
export async function listCurrent(
  processed: Pick<ObjectStore, 'list'>,
  tables: readonly string[],
): Promise<CurrentFile[]> {
  const [table, ...others] = tables;
  const folder = table !== undefined && others.length === 0 ? formatTableFolder(table) : '';
  const quarantined = { transform: makeNewestRevisions(), load: makeNewestRevisions() };
  const transformed = makeNewestRevisions();
  const days = new Set<string>();
  const records = new Map<string, string[]>();
  for await (const { key: text } of processed.list(prefix + folder)) {
    const dropped = fileOfDropRecord(text);
    if (dropped !== undefined) records.set(dropped, [...(records.get(dropped) ?? []), text]);
    const named = parseQuarantineKey(text);
    if (named === undefined || !tables.includes(named.key.table)) continue;
    quarantined[named.isOfLoad ? 'load' : 'transform'].add(named.key);
    days.add(text.slice(prefix.length, text.lastIndexOf('/') + 1));
  }
  for (const day of days) {
    for await (const { key: text } of processed.list(day)) {
      const key = parseObjectKey(text);
      if (key.zone === 'processed') transformed.add(key);
    }
  }
  return (['transform', 'load'] as const)
    .flatMap((by) => quarantined[by].all().map((key) => ({ key, isOfLoad: by === 'load' })))
    .filter(({ key }) => (transformed.of(key)?.revision ?? 0) <= key.revision)
    .sort((one, other) => tables.indexOf(one.key.table) - tables.indexOf(other.key.table))
    .map((file) => ({ ...file, records: records.get(formatFileKey(file)) ?? [] }));
}

function parseQuarantineKey(text: string): NamedFile | undefined {
  const isOfLoad = text.endsWith(loadQuarantineSuffix);
  const suffix = isOfLoad ? loadQuarantineSuffix : '.ndjson';
  if (!text.endsWith(suffix)) return undefined;
  const key = parseObjectKey(`${text.slice(prefix.length, -suffix.length)}.parquet`);
  return key.zone === 'processed' ? { key, isOfLoad } : undefined;
}

/** Reads a file as it was written, before anything is taken out of it. */
export async function readQuarantineFile(
  processed: Pick<ObjectStore, 'get'>,
  named: NamedFile,
  model: Model,
): Promise<QuarantineFile> {
  const { key, isOfLoad } = named;
  const file = formatFileKey(named);
  const object = await processed.get(file);
  const { rows, unlistedRows } = parseQuarantineFile(file, object?.body ?? new Uint8Array());
  const table = model.table(key.table);
  const source = table.kind === 'calendar' ? table.name : table.source.name;
  const { run, slice } = key;
  return {
    table: key.table,
    file,
    isOfLoad,
    ingested: formatObjectKey({ zone: 'ingested', table: source, run, slice }),
    rows,
    quarantined: rows.length + unlistedRows,
    unlisted: { rows: unlistedRows, afterLine: rows.reduce((last, { line }) => Math.max(last, line), 0) },
    mended: 0,
    readAgain: 0,
    dropped: [],
  };
}

/** The rows of a quarantine file that an operator has dropped, in an object next to the file. */
export interface DropRecord {
  version: 1;
  /** ISO 8601. */
  droppedAt: string;
  /** The numbers of the rows' lines in the ingested object; null: all rows, those too for which the file had no room. */
  lines: number[] | null;
}

const dropRecordPattern = /\.dropped-[\w]+\.json$/;

/** The quarantine file that a drop record belongs to; undefined for any other key. */
export const fileOfDropRecord = (key: string): string | undefined =>
  dropRecordPattern.test(key) ? key.replace(dropRecordPattern, '.ndjson') : undefined;

/** Records the dropped rows. The quarantine file itself is kept: it is the rows' only record. */
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

export async function readDropRecord(processed: Pick<ObjectStore, 'get'>, key: string): Promise<DropRecord> {
  const object = await processed.get(key);
  return JSON.parse(Buffer.from(object?.body ?? '{"lines":[]}').toString()) as DropRecord;
}

import type { Notify } from '../../../shared/events.ts';
import {
  formatObjectKey,
  formatQuarantineKey,
  formatRevisionPrefix,
  type IngestedKey,
  type ProcessedKey,
  parseObjectKey,
} from '../../../shared/object-store/object-key.ts';
import type { CensusMetadata, ObjectVersion } from '../../../shared/object-store/object-metadata.ts';
import { formatProcessedMetadata } from '../../../shared/object-store/object-metadata.ts';
import type { ObjectStore, PutOutcome } from '../../../shared/object-store/object-store.ts';
import { releaseMemory } from '../../../shared/release-memory.ts';
import type { TransformedRows } from '../rows/transform-rows.ts';

export interface PublishDeps {
  processed: Pick<ObjectStore, 'create' | 'list'>;
  notify: Notify;
}

export interface Publication {
  /** The ingested object that the rows are from. */
  source: IngestedKey;
  version: ObjectVersion;
  /** As of the ingested object. */
  readAt: string | undefined;
  /** Of a census. */
  census: CensusMetadata | undefined;
  /** Of the published model that the rows were made by. */
  modelNumber: number | undefined;
  table: string;
  calendar: string | undefined;
  rows: TransformedRows;
}

/** The revision that the objects are put under. */
export interface WantedRevision {
  /** The ledger may know objects of every lower revision. */
  leastRevision: number;
  /** false: the least one, and an object that is there stays; true: the next one that is not there. */
  isReplay: boolean;
}

/**
 * Puts what was made of an ingested object: the quarantined rows first, then the dates, and the table's own object
 * last. So an object of the table never exists without the rest, and an interrupted attempt does no harm. The memory of
 * the table's rows is freed when they are put.
 */
export async function publish(
  publication: Publication,
  deps: PublishDeps,
  { isReplay, leastRevision }: WantedRevision,
): Promise<{ key: string; outcome: PutOutcome }> {
  const { table, source } = publication;
  const { run, slice, census } = source;
  const least: ProcessedKey = {
    zone: 'processed',
    table,
    run,
    slice,
    revision: leastRevision,
    ...(census !== undefined && { census }),
  };
  if (!isReplay) return putAll(publication, least, deps);
  for (;;) {
    const revision = Math.max(leastRevision, await nextRevision(publication, deps.processed));
    const put = await putAll(publication, { ...least, revision }, deps);
    if (put.outcome === 'created') return put;
  }
}

/** Considers the dates too, which share the revision: their object may exist although the table's own was lost. */
async function nextRevision(
  { source: { run, slice, census }, table, calendar, rows }: Publication,
  store: Pick<ObjectStore, 'list'>,
): Promise<number> {
  let next = 0;
  for (const name of rows.dates === undefined || calendar === undefined ? [table] : [table, calendar]) {
    for await (const { key } of store.list(
      formatRevisionPrefix({ table: name, run, slice, ...(census !== undefined && { census }) }),
    )) {
      const parsed = parseObjectKey(key);
      if (parsed.zone === 'processed') next = Math.max(next, parsed.revision + 1);
    }
  }
  return next;
}

async function putAll(
  { version, readAt, census, modelNumber, table, calendar, rows }: Publication,
  key: ProcessedKey,
  { processed, notify }: PublishDeps,
): Promise<{ key: string; outcome: PutOutcome }> {
  const text = formatObjectKey(key);
  const quarantined = rows.quarantine.rows;
  const made = {
    version,
    ...(readAt !== undefined && { readAt }),
    ...(modelNumber !== undefined && { model: modelNumber }),
    ...(census !== undefined && { census }),
  };
  // A key that breaks the contract breaks it in every row that has it: no row of the warehouse does.
  if (quarantined > 0 && census === undefined) {
    const quarantineKey = formatQuarantineKey(key);
    await processed.create(quarantineKey, rows.quarantine.toFile());
    // Before the table's object: a retry after a break finds that object, and would send no event.
    await notify({ type: 'Rows Quarantined', detail: { table, key: quarantineKey, rows: quarantined } });
  }
  if (rows.dates !== undefined && calendar !== undefined) {
    const metadata = formatProcessedMetadata({ ...made, rows: rows.dates.rows, quarantined: 0 });
    await processed.create(formatObjectKey({ ...key, table: calendar }), rows.dates.parquet, metadata);
  }
  const metadata = formatProcessedMetadata({ ...made, rows: rows.rows, quarantined });
  const outcome = await processed.create(text, rows.parquet, metadata);
  // If that revision was there already, the next one is put with the same bytes.
  if (outcome === 'created') releaseMemory(rows.parquet);
  return { key: text, outcome };
}

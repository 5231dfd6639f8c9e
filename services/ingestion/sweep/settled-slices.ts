import type { Model } from '../../../shared/model/model.ts';
import {
  formatFailedKey,
  formatRunPrefix,
  parseObjectKey,
  type RunId,
} from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { parseJsonRecord } from '../../../shared/records/json-record.ts';
import { readCaptureState } from '../../../shared/records/plan/capture-state.ts';
import { type ExtractMessage, parseExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import { listRuns, readRunRecord } from '../../../shared/records/plan/run-record.ts';
import { isAccountedFor, makeKnownSlices } from '../../../shared/records/plan/slices.ts';
import type { SweptLetter } from '../../../shared/sweep/settle-letters.ts';

type Ingested = Pick<ObjectStore, 'get' | 'list' | 'delete'>;

/**
 * Says of each dead letter of the extract queue whether nothing is left to do: a later run has read all of its table, in this
 * or a later generation, so that whatever rows it was to bring, the source's present ones are there; or its table has left
 * the model. Of a census, whether a newer one is over.
 *
 * @param model the one in force; undefined where none is published
 */
export async function areSettled(
  ingested: Ingested,
  letters: readonly Pick<SweptLetter, 'body'>[],
  model: Model | undefined,
): Promise<boolean[]> {
  const messages = letters.map(({ body }) => parseOrUndefined(body));
  const ofRows = messages.filter((message) => message !== undefined && message.census === undefined);
  const fullRuns = await findFullRuns(
    ingested,
    ofRows.filter((message) => message !== undefined),
  );
  const isAnyCensus = messages.some((message) => message?.census !== undefined);
  const censuses = isAnyCensus ? ((await readCaptureState(ingested))?.state.censuses ?? {}) : {};
  return messages.map((message) => {
    if (message === undefined) return false;
    if (model !== undefined && !hasSource(model, message.table)) return true;
    // A newer census says what this one would have said, and more; or it has failed, and has a letter of its own.
    if (message.census !== undefined) return (censuses[message.table]?.last?.run ?? '') > message.run;
    const full = fullRuns.get(message.table);
    return full !== undefined && full > message.run;
  });
}

const hasSource = ({ sources }: Model, table: string): boolean => sources.some(({ name }) => name === table);

/**
 * Deletes the records of failed extracts that are settled. Their dead letters may have expired.
 *
 * @returns how many there were
 */
export async function settleFailedRecords(ingested: Ingested, model: Model | undefined): Promise<number> {
  const records: { key: string; body: string }[] = [];
  for await (const { key } of ingested.list('failed/')) {
    const object = await ingested.get(key);
    const body = object && readBody(key, object.body);
    if (body !== undefined) records.push({ key, body });
  }
  if (records.length === 0) return 0;
  const settled = await areSettled(ingested, records, model);
  let count = 0;
  for (const [index, { key }] of records.entries()) {
    if (settled[index] !== true) continue;
    await ingested.delete(key);
    count++;
  }
  return count;
}

/** @returns undefined for what is not a record of a failed extract: it is left alone */
function readBody(key: string, content: Uint8Array): string | undefined {
  try {
    const { body } = parseJsonRecord(content, (reason) => new Error(reason));
    const message = typeof body === 'string' ? parseExtractMessage(body) : undefined;
    return message && formatFailedKey(message.run, message.slice) === key ? String(body) : undefined;
  } catch {
    return undefined;
  }
}

/** @returns by table the newest run after the first of these messages that has read all of it */
async function findFullRuns(
  ingested: Ingested,
  messages: readonly ExtractMessage[],
): Promise<ReadonlyMap<string, RunId>> {
  const found = new Map<string, RunId>();
  const first = messages
    .map(({ run }) => run)
    .reduce<RunId | undefined>((a, b) => (a === undefined || b < a ? b : a), undefined);
  if (first === undefined) return found;
  const tables = new Set(messages.map(({ table }) => table));
  for await (const run of listRuns(ingested, first)) {
    const record = await readRunRecord(ingested, run);
    for (const table of tables) {
      const slices = record?.slices.filter((slice) => slice.table === table) ?? [];
      if (slices.length === 0 || !slices.every(({ full }) => full)) continue;
      const known = makeKnownSlices();
      for await (const { key } of ingested.list(formatRunPrefix(table, run)))
        known.add(table, parseObjectKey(key));
      if (slices.every(({ slice }) => isAccountedFor(known, table, { run, slice }))) found.set(table, run);
    }
  }
  return found;
}

function parseOrUndefined(body: string): ExtractMessage | undefined {
  try {
    return parseExtractMessage(body);
  } catch {
    return undefined;
  }
}

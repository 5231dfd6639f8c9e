import { censusFieldsOf } from '../../../shared/census/census-table.ts';
import { sourceRangeColumns } from '../../../shared/census/range.ts';
import { type CensusRecord, putCensusRecord } from '../../../shared/census/record.ts';
import { keysOfObject } from '../../../shared/census/size.ts';
import { readVerdict } from '../../../shared/census/verdict.ts';
import type { Deletes } from '../../../shared/model/define.ts';
import type { Model } from '../../../shared/model/model.ts';
import {
  formatFailedKey,
  formatObjectKey,
  formatSlicePrefix,
  type IngestedKey,
  parseKnownKey,
  type RunId,
} from '../../../shared/object-store/object-key.ts';
import { parseIngestedMetadata } from '../../../shared/object-store/object-metadata.ts';
import { hasAny, type ObjectStore } from '../../../shared/object-store/object-store.ts';
import { mainRetentionSeconds } from '../../../shared/queue/queue-settings.ts';
import { readLoaded } from '../../../shared/records/loaded.ts';
import {
  type CaptureState,
  type EndedCensus,
  knownOf,
  type SentCensus,
  type TableCensuses,
  type TableState,
} from '../../../shared/records/plan/capture-state.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import { formatSliceId, isAccountedFor, makeKnownSlices } from '../../../shared/records/plan/slices.ts';
import type { AssessedTable, UsableTable } from '../source/tables.ts';
import { areDeletesDue } from './deletes-due.ts';

export interface CensusContext {
  ingested: ObjectStore;
  model: Model;
  /** Of the censuses; not the plan's own. */
  run: RunId;
  now: Date;
  /** What the last plan left, in the generation of this one. */
  state: CaptureState;
  /** What this plan leaves of each table. */
  tables: Readonly<Record<string, TableState>>;
  /** What each message has but for its table. */
  envelope: Omit<ExtractMessage, 'slice' | 'table' | 'run'>;
  /** How long after a census the next one of the table is sent at the earliest. */
  floorSeconds: number;
  /** Deletes that the source has counted are looked for now. */
  isExact: boolean;
}

export interface CensusPlan {
  censuses: Record<string, TableCensuses>;
  messages: ExtractMessage[];
  warnings: string[];
}

/** A census takes no more than this part of the time, unless it is so short that a run may well wait for it. */
const restFactor = 20;
const shortSeconds = 0.5;
/** No message lives longer, but for copies of one that is retried. */
const lostAfterSeconds = mainRetentionSeconds;

/**
 * Decides which tables' keys to read, so that rows whose key is gone can be marked.
 *
 * The source's count of a table's deletes is read before the census is sent, so the source counts a delete that the census
 * misses later.
 */
export async function planCensuses(
  assessed: readonly AssessedTable[],
  context: CensusContext,
): Promise<CensusPlan> {
  const censuses: Record<string, TableCensuses> = { ...context.state.censuses };
  const messages: ExtractMessage[] = [];
  const warnings: string[] = [];
  const isWhole = makeIsWhole(context.ingested);
  for (const usable of assessed) {
    const { name, feeds } = usable.table;
    if ('problem' in usable) continue;
    const deletes = feeds.map((feed) => deletesOf(feed, context.model));
    if (deletes.every((each) => each === 'keep')) continue;
    const isCut = sourceRangeColumns(usable.table, 'source') !== undefined;
    if (!isCut && usable.relation.rows > keysOfObject(censusFieldsOf(usable.table))) {
      warnings.push(
        `the deletes of ${name} are not looked for: it has more keys than an object holds, and a key by which they cannot be cut`,
      );
      continue;
    }
    const known = await followVerdict(await followSent(name, censuses[name] ?? {}, context), context);
    censuses[name] = known;
    const noted = noteOf(usable, deletes, context);
    const { updates } = usable.relation;
    const isDue = areDeletesDue(
      known.last,
      { noted, updates },
      { now: context.now, restSeconds: restOf(known.last, context) },
    );
    if (known.sent !== undefined || !isDue) continue;
    if (known.last === undefined && !(await isWhole(name))) continue;
    const slice = formatSliceId(messages.length);
    const { accepted } = known;
    messages.push({
      ...context.envelope,
      run: context.run,
      slice,
      table: name,
      census: accepted === undefined ? {} : { previous: accepted },
    });
    const sent: SentCensus = { run: context.run, slice, at: context.now.toISOString(), noted, updates };
    censuses[name] = { ...known, sent };
  }
  return { censuses, messages, warnings };
}

/** Puts the record first, so that what the queue loses can be sent again. */
export async function publishCensuses(
  { messages }: CensusPlan,
  { ingested, run, now }: CensusContext,
  send: (messages: readonly ExtractMessage[]) => Promise<void>,
): Promise<void> {
  if (messages.length === 0) return;
  const record: CensusRecord = { run, plannedAt: now.toISOString(), messages };
  await putCensusRecord(ingested, record);
  await send(messages);
}

/**
 * A table that is read in full may have lost rows that no counter shows, as by a restore. A standby counts its own
 * statements and not its primary's: there any transaction may have deleted rows.
 */
function noteOf(
  { table, relation }: UsableTable,
  deletes: readonly Deletes[],
  { tables, envelope }: CensusContext,
): string {
  const fullRun = knownOf({ tables }, table.name)?.fullRun ?? '';
  const isStandby = envelope.plannedLsn !== undefined;
  const noted = [isStandby ? envelope.plannedXmax : relation.deletes, relation.fileNode, fullRun];
  // A table that is to lose its marked rows, or no longer keeps deleted ones, needs a census for that.
  const isPlain = deletes.every((each) => each === 'mark');
  return [...noted, ...(isPlain ? [] : [deletes.join(',')])].join(' ');
}

function deletesOf(feed: string, { table }: Model): Deletes {
  const found = table(feed);
  return found.kind === 'calendar' ? 'keep' : found.deletes;
}

/** How long after a census the next one is sent at the earliest. */
function restOf(
  last: EndedCensus | undefined,
  { floorSeconds, isExact }: Pick<CensusContext, 'floorSeconds' | 'isExact'>,
): number {
  if (isExact) return 0;
  const isLong = last !== undefined && last.seconds >= shortSeconds;
  return isLong ? Math.max(floorSeconds, restFactor * last.seconds) : floorSeconds;
}

/** What has become of the census that is under way. */
async function followSent(
  table: string,
  known: TableCensuses,
  { ingested, now }: CensusContext,
): Promise<TableCensuses> {
  const { sent, ...others } = known;
  if (sent === undefined) return known;
  const { before: _, ...withoutBefore } = others;
  const objects = await findObjects(ingested, table, sent);
  if (objects.length > 0) {
    const heads = await Promise.all(objects.map((key) => ingested.head(formatObjectKey(key))));
    const parts = heads.flatMap((head, index) => {
      const key = objects[index];
      if (head === undefined || key === undefined) return [];
      return [parseIngestedMetadata(formatObjectKey(key), head.metadata).census];
    });
    const seconds = parts.reduce((sum, part) => sum + (part?.seconds ?? 0), 0);
    const last: EndedCensus = { ...sent, seconds };
    const { run, slice } = sent;
    if (parts.some((part) => part?.held !== undefined))
      return { ...withoutBefore, last, held: { run, slice } };
    // What was held before is over: this one is newer.
    return { last, accepted: { run, slice } };
  }
  // An operator redrives it, and a later one settles it. To try again at each plan would leave a dead letter each time.
  if (await hasAny(ingested, formatFailedKey(sent.run, sent.slice))) {
    return { ...withoutBefore, last: { ...sent, seconds: 0 } };
  }
  const ageSeconds = (now.getTime() - Date.parse(sent.at)) / 1000;
  // What was sent in the future was sent before the clock was set back: how long ago nobody knows.
  return ageSeconds < 0 || ageSeconds > lostAfterSeconds ? others : known;
}

/** What an operator has applied is what the next census is judged against. */
async function followVerdict(
  known: TableCensuses,
  { ingested }: Pick<CensusContext, 'ingested'>,
): Promise<TableCensuses> {
  const { held, ...others } = known;
  const verdict = held && (await readVerdict(ingested, held));
  if (held === undefined || verdict === undefined) return known;
  return verdict === 'apply' ? { ...others, accepted: held } : others;
}

/** @returns none until all of the census is there */
async function findObjects(
  ingested: Pick<ObjectStore, 'list'>,
  table: string,
  { run, slice }: Pick<SentCensus, 'run' | 'slice'>,
): Promise<IngestedKey[]> {
  const keys: IngestedKey[] = [];
  const found = makeKnownSlices();
  for await (const { key: text } of ingested.list(formatSlicePrefix({ table, run, slice, census: true }))) {
    const key = parseKnownKey(text);
    if (key?.zone !== 'ingested') continue;
    found.add(table, key);
    keys.push(key);
  }
  return isAccountedFor(found, table, { run, slice }) ? keys : [];
}

/** Until its first load is whole, most rows of a table would arrive after the census that they are older than. */
function makeIsWhole(ingested: Pick<ObjectStore, 'get'>): (table: string) => Promise<boolean> {
  let whole: Promise<ReadonlySet<string>> | undefined;
  return async (table) => {
    whole ??= readLoaded(ingested).then((known) => new Set(known?.loaded.whole ?? []));
    return (await whole).has(table);
  };
}

import { LostObjectError, LostTableError } from '../../shared/errors.ts';
import type { Model } from '../../shared/model/model.ts';
import { mainRetentionSeconds, type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import { hasTable, type NamedTables, parseTable } from '../options/named-tables.ts';
import { type OptionValues, textOption } from '../options/site-options.ts';
import { compareByAge, type DeadLetter } from '../site/dead-letter.ts';
import { commandFor, type Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatCount } from '../terminal/wording.ts';
import { type FailedRecord, failedKeyOf, listFailedRecords, listRecordKeys } from './failed-records.ts';

/** A dead letter, or the record of one that has expired. */
export interface Failure extends DeadLetter {
  /** Its record in S3: a failed extract has one. */
  record?: FailedRecord;
  /** Nothing but the record is left of it. */
  isExpired: boolean;
}

/** What went wrong in one way with one table, in one queue. */
export interface FailureGroup {
  table: string | null;
  queue: QueueKind;
  error: string;
  reason: string;
  count: number;
  /** The most receives that one of its messages has had; null where that was not counted. */
  attempts: number | null;
  /** ISO 8601. */
  firstSeen: string;
  lastSeen: string;
  /** The command that sends them back. */
  redrive: string;
  /** The command that mends them: the same, unless no message of a lost object can succeed. */
  mend: string;
  messages: {
    messageId: string;
    key: string | null;
    failedAt: string;
    attempts: number | null;
    expired: boolean;
  }[];
}

/** @example 'dim_staff failed in load: permission denied for table dim_staff (SQLSTATE 42501) (3 messages)' */
export function describeGroup({ table, queue, reason, count }: FailureGroup): string {
  const messages = count === 1 ? '' : ` (${formatCount(count)} messages)`;
  return `${table ?? 'a message of no known table'} failed in ${queue}: ${reason}${messages}`;
}

/** All that has failed for good and has not been sent again, oldest first. */
export async function listFailures(
  site: Pick<Site, 'listDeadLetters' | 'ingested'>,
  selection: FailureSelection = {},
  now: Date = new Date(),
): Promise<Failure[]> {
  // Records first: a handler sends the dead letter before it writes the record, so no letter is missed.
  const records = new Map((await listFailedRecords(site.ingested)).map((record) => [record.key, record]));
  const letters = await site.listDeadLetters();
  // One that was sent again longer ago has expired on the main queue too.
  const isRecent = ({ redrivenAt }: FailedRecord) =>
    redrivenAt !== undefined && now.getTime() - Date.parse(redrivenAt) < 1000 * mainRetentionSeconds;
  const failures = letters.map((letter): Failure => {
    const key = letter.queue === 'extract' ? failedKeyOf(letter.body) : undefined;
    const record = key === undefined ? undefined : records.get(key);
    if (record === undefined) return { ...letter, isExpired: false };
    records.delete(record.key);
    return { ...letter, key: record.key, record, isExpired: false };
  });
  // Listing the letters of a run sweeps them, and a sweep deletes the records of what is done.
  const left = records.size === 0 ? new Set() : await listRecordKeys(site.ingested);
  const expired = [...records.values()]
    .filter((record) => !isRecent(record) && left.has(record.key))
    .map(toFailure);
  return [...failures, ...expired].filter((failure) => isSelected(failure, selection)).sort(compareByAge);
}

/** The message's id is lost with it: the record's key stands in. */
const toFailure = (record: FailedRecord): Failure => ({
  queue: 'extract',
  messageId: record.key,
  key: record.key,
  record,
  isExpired: true,
  isMoved: false,
  body: record.body,
  table: record.table,
  error: record.error,
  reason: record.reason,
  failedAt: record.failedAt,
});

/** Failures by table, queue and reason, the one that began first at the head. */
export function groupFailures(failures: readonly Failure[], site: Pick<Site, 'selector'>): FailureGroup[] {
  const groups = new Map<string, Failure[]>();
  for (const failure of failures) {
    const { table, queue, error, reason } = failure;
    const key = JSON.stringify([table, queue, error, reason]);
    const group = groups.get(key) ?? [];
    group.push(failure);
    groups.set(key, group);
  }
  return [...groups.values()].flatMap((group) => makeGroup(group, site));
}

function makeGroup(group: readonly Failure[], site: Pick<Site, 'selector'>): FailureGroup[] {
  const [first] = group;
  if (first === undefined) return [];
  const { table, queue, error, reason } = first;
  const attempts = group.flatMap((failure) => failure.attempts ?? []);
  const what = table === undefined ? `--message ${first.messageId}` : `--table ${table} --queue ${queue}`;
  return [
    {
      table: table ?? null,
      queue,
      error,
      reason,
      count: group.length,
      attempts: attempts.length === 0 ? null : Math.max(...attempts),
      firstSeen: first.failedAt,
      lastSeen: group.at(-1)?.failedAt ?? first.failedAt,
      redrive: commandFor(site, `redrive ${what}`),
      mend: mendOf(first, what, site),
      messages: group.map((failure) => ({
        messageId: failure.messageId,
        key: failure.key ?? null,
        failedAt: failure.failedAt,
        attempts: failure.attempts ?? null,
        expired: failure.isExpired,
      })),
    },
  ];
}

function mendOf({ queue, table, error }: Failure, what: string, site: Pick<Site, 'selector'>): string {
  if (error === LostTableError.name && table !== undefined) return commandFor(site, `rebuild ${table}`);
  if (error !== LostObjectError.name || table === undefined) return commandFor(site, `redrive ${what}`);
  if (queue === 'load') return commandFor(site, `replay --table ${table} --zone ingested`);
  return [`resync --table ${table}`, `failures drop ${what}`]
    .map((command) => commandFor(site, command))
    .join(' && ');
}

export interface FailureSelection {
  /** Absent: of all tables, and what names no table. */
  tables?: NamedTables;
  queue?: QueueKind;
  messageId?: string;
}

/**
 * @returns reads the table as well, once the model is known
 * @throws {UsageError} there is no such queue; of what is returned: no such table
 */
export function parseSelection(values: OptionValues): (model: Model) => FailureSelection {
  const table = textOption(values.table);
  const queue = textOption(values.queue);
  const messageId = textOption(values.message);
  const selection: FailureSelection = {
    ...(queue !== undefined && { queue: parseQueue(queue) }),
    ...(messageId !== undefined && { messageId }),
  };
  return (model) => (table === undefined ? selection : { ...selection, tables: parseTable(table, model) });
}

function parseQueue(text: string): QueueKind {
  const queue = queueKinds.find((kind) => kind === text);
  if (queue === undefined) throw new UsageError(`--queue ${text} is not one of ${queueKinds.join(', ')}`);
  return queue;
}

export const isSelected = (
  failure: Pick<DeadLetter, 'table' | 'queue' | 'messageId'>,
  { tables, queue, messageId }: FailureSelection,
): boolean =>
  (tables === undefined || hasTable(tables, failure.table)) &&
  (queue === undefined || failure.queue === queue) &&
  (messageId === undefined || failure.messageId === messageId);

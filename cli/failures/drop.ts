import type { DroppedRows } from '../../shared/ledger/dropped-rows.ts';
import { formatObjectKey } from '../../shared/object-store/object-key.ts';
import { parseObjectCreated } from '../../shared/queue/object-created.ts';
import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import { putDropped } from '../../shared/records/dropped.ts';
import { sliceOf } from '../site/dead-letter.ts';
import type { Site } from '../site/site.ts';
import { formatTime } from '../terminal/time.ts';
import { formatCount } from '../terminal/wording.ts';
import { type Failure, type FailureSelection, listFailures } from './list-failures.ts';
import { takeLetters } from './take-letters.ts';

export interface DroppedFailure {
  queue: QueueKind;
  messageId: string;
  table: string | null;
  key: string | null;
  /** `not received`: another reader has received it, and it is still a dead letter. */
  outcome: 'dropped' | 'would be dropped' | 'not received';
}

/**
 * Discards failures that can never succeed. What they were about is marked first: a message that is gone without a mark
 * would be sent again by a sweep.
 *
 * @throws any error of S3 or SQS; what was marked by then is discarded by the next call
 */
export async function dropFailures(
  site: Site,
  selection: FailureSelection,
  { dryRun = false, now = new Date() }: { dryRun?: boolean; now?: Date } = {},
): Promise<DroppedFailure[]> {
  const failures = await listFailures(site, selection, now);
  if (dryRun) return failures.map((failure) => describe(failure, 'would be dropped'));
  const gone = new Set<Failure>(failures.filter(({ isExpired }) => isExpired));
  for (const failure of failures) await mark(site, failure, now);
  for (const queue of queueKinds) {
    const letters = failures.filter((failure) => failure.queue === queue && !failure.isExpired);
    const deleted = await takeLetters(site, queue, new Set(letters.map(({ messageId }) => messageId)));
    for (const letter of letters) if (deleted.has(letter.messageId)) gone.add(letter);
  }
  // Last of all: while its record is there, a failure is shown and can be discarded again.
  for (const { record } of gone) if (record !== undefined) await site.ingested.delete(record.key);
  return failures.map((failure) => describe(failure, gone.has(failure) ? 'dropped' : 'not received'));
}

async function mark({ ingested }: Pick<Site, 'ingested'>, failure: Failure, now: Date): Promise<void> {
  const { queue, table, reason } = failure;
  for (const key of objectsOf(failure)) {
    await putDropped(ingested, {
      queue,
      ...(table !== undefined && { table }),
      key,
      reason,
      droppedAt: now.toISOString(),
    });
  }
}

/** The keys of the objects that a message is about; none for a body that cannot be parsed, which no sweep can send. */
function objectsOf({ queue, body, key }: Failure): string[] {
  if (queue === 'extract') {
    const slice = sliceOf(body);
    return slice === undefined ? [] : [formatObjectKey({ zone: 'ingested', ...slice })];
  }
  if (key !== undefined) return [key];
  try {
    return parseObjectCreated(body).map((object) => object.key);
  } catch {
    return [];
  }
}

/** @example '1 object of payment was dropped at 2026-11-30 22:05:00 UTC, and its rows are not in the warehouse' */
export function describeDroppedRows({ table, objects, droppedAt }: DroppedRows): string {
  const when = formatTime(droppedAt);
  return objects === 1
    ? `1 object of ${table} was dropped at ${when}, and its rows are not in the warehouse`
    : `${formatCount(objects)} objects of ${table} were dropped, the last at ${when}, and their rows are not in the warehouse`;
}

const describe = (
  { queue, messageId, table, key }: Failure,
  outcome: DroppedFailure['outcome'],
): DroppedFailure => ({
  queue,
  messageId,
  table: table ?? null,
  key: key ?? null,
  outcome,
});

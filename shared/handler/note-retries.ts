import type { Logger } from '@aws-lambda-powertools/logger';
import type { SQSRecord } from 'aws-lambda';
import { RefusedError } from '../errors.ts';
import type { Notify } from '../events.ts';
import type { ObjectStore } from '../object-store/object-store.ts';
import type { QueueKind } from '../queue/queue-settings.ts';
import { readRetryState, wasTried } from '../queue/retry-state.ts';
import { beginOutage, endOutage, type Outage, type Side } from '../records/outages.ts';
import { formatRetryingKey, putRetrying, type Retrying } from '../records/retrying.ts';
import { notifyOrLog } from './report-failure.ts';
import type { RecordFailure } from './sqs-records.ts';

export interface RetryNotesDeps {
  ingested: Pick<ObjectStore, 'get' | 'replace' | 'put' | 'delete'>;
  queue: QueueKind;
  logger: Pick<Logger, 'error'>;
  notify: Notify;
  now?: () => Date;
}

type OutageNotesDeps = Omit<RetryNotesDeps, 'queue' | 'ingested'> & {
  ingested: Pick<ObjectStore, 'get' | 'replace'>;
};

/** Keeps below `state/` what is retried and what refuses, for an operator to see before anything is a dead letter. */
export interface RetryNotes {
  onFailure(failure: RecordFailure): Promise<void>;
  onHandled(record: SQSRecord): Promise<void>;
}

/**
 * Makes the notes of one function. A note that cannot be put costs nothing else: the next attempt puts it.
 *
 * @param side the database that the function works on; undefined where it works on none
 */
export function makeRetryNotes(side: Side | undefined, deps: RetryNotesDeps): RetryNotes {
  const { ingested, queue, logger, now = () => new Date() } = deps;
  const outage = side && makeOutageNotes(side, deps);
  const orLog = async (work: Promise<void>): Promise<void> => {
    await work.catch((cause: unknown) => {
      logger.error('the state of a retried message could not be noted', { error: cause as Error });
    });
  };
  const forget = (body: string) => ingested.delete(formatRetryingKey(queue, body));
  return {
    onFailure: async ({ record, error, reason, verdict }) => {
      const isRefusedBySide = error instanceof RefusedError && error.by !== 'AWS' && error.by !== 'lock';
      const key = formatRetryingKey(queue, record.body);
      if (verdict.action === 'dead-letter') {
        if (wasTried(readRetryState(record))) await orLog(forget(record.body));
        return;
      }
      const tried = now();
      const retrying: Retrying = {
        queue,
        attempts: verdict.attempts,
        error: reason.error,
        reason: reason.reason,
        waitingSince: verdict.waitingSince.toISOString(),
        triedAt: tried.toISOString(),
        nextAt: new Date(tried.getTime() + verdict.delaySeconds * 1000).toISOString(),
      };
      if (reason.table !== undefined) retrying.table = reason.table;
      if (reason.key !== undefined) retrying.key = reason.key;
      if (error instanceof RefusedError)
        retrying.by = isRefusedBySide && side !== undefined ? side : error.by;
      await orLog(putRetrying(ingested, record.body, retrying));
      if (!isRefusedBySide) return;
      // Of a connection, the side itself is named.
      const message = error.by === 'database' ? key : undefined;
      await orLog(outage?.begin(reason.reason, message) ?? Promise.resolve());
    },
    onHandled: async (record) => {
      const isTried = wasTried(readRetryState(record));
      if (isTried) await orLog(forget(record.body));
      // It may be what the outage lasts for, which another process has noted since this one looked.
      await orLog(outage?.end({ isToAsk: isTried }) ?? Promise.resolve());
    },
  };
}

/** Notes the beginning and the end of a side's outage, and sends an event for each. */
export function makeOutageNotes(side: Side, deps: OutageNotesDeps) {
  const { ingested, logger, notify, now = () => new Date() } = deps;
  // Undefined until this process has looked: another may have noted an outage, and died.
  let isOut: boolean | undefined;
  return {
    /**
     * @param reason without values and passwords
     * @param message the key of the retried message whose end is the outage's
     */
    begin: async (reason: string, message?: string): Promise<void> => {
      // Asked each time: another process may have noted the end of the outage that this one saw.
      const begun: Outage = { side, since: now().toISOString(), reason };
      if (message !== undefined) begun.message = message;
      const outage = await beginOutage(ingested, begun);
      isOut = true;
      if (outage === undefined) return;
      const { since } = outage;
      await notifyOrLog({ type: 'Outage Began', detail: { side, since, reason } }, { logger, notify });
    },
    end: async ({ isToAsk }: { isToAsk: boolean }): Promise<void> => {
      if (isOut === false && !isToAsk) return;
      isOut = await noteAnswer(side, deps);
    },
  };
}

/** Notes that a side answers, and sends an event if that ends an outage. @returns whether one lasts */
export async function noteAnswer(
  side: Side,
  { ingested, logger, notify, now = () => new Date(), done }: OutageNotesDeps & { done?: string },
): Promise<boolean> {
  const outage = await endOutage(ingested, side, now(), done);
  if (outage === 'none' || outage === 'lasts') return outage === 'lasts';
  const { since, endedAt = now().toISOString() } = outage;
  await notifyOrLog({ type: 'Outage Ended', detail: { side, since, endedAt } }, { logger, notify });
  return false;
}

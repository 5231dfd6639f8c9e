import type { Logger } from '@aws-lambda-powertools/logger';
import type { Notify, PipelineEvent } from '../events.ts';
import { maxAttempts, type QueueKind } from '../queue/queue-settings.ts';
import type { RecordFailure } from './sqs-records.ts';

export interface ReportDeps {
  /** The queue that the function is fed from. */
  queue: QueueKind;
  logger: Pick<Logger, 'warn' | 'error'>;
  notify: Notify;
}

/** Logs a failed message, and sends an event for one that went to the dead-letter queue. */
export async function reportFailure(failure: RecordFailure, deps: ReportDeps): Promise<void> {
  const { error, verdict } = failure;
  const { error: name, reason, table, key } = failure.reason;
  const subject = { ...(table !== undefined && { table }), ...(key !== undefined && { key }) };
  if (verdict.action !== 'dead-letter') {
    const attempt =
      verdict.action === 'retry' ? `attempt ${verdict.attempts} of ${maxAttempts} failed` : 'refused';
    deps.logger.warn(`${attempt}, next in ${verdict.delaySeconds} s`, { ...subject, error });
    return;
  }
  deps.logger.error('the message went to the dead-letter queue', { ...subject, error });
  const detail = { queue: deps.queue, ...subject, error: name, reason };
  await notifyOrLog({ type: 'Table Failed', detail }, deps);
}

/** Sends an event. If EventBridge does not take it, that is only logged: the message has been dealt with. */
export async function notifyOrLog(
  event: PipelineEvent,
  { logger, notify }: Pick<ReportDeps, 'notify'> & { logger: Pick<Logger, 'error'> },
): Promise<void> {
  try {
    await notify(event);
  } catch (cause) {
    logger.error(`the event ${event.type} was not taken`, { error: cause as Error });
  }
}

import type { Logger } from '@aws-lambda-powertools/logger';
import type { PipelineEvent } from '../../shared/events.ts';
import type { RecordFailure } from '../../shared/handler/sqs-records.ts';

export interface ReportDeps {
  logger: Pick<Logger, 'warn' | 'error'>;
  notify(event: PipelineEvent): Promise<void>;
}

/** Logs a failed message, and tells the outside of one that was dead-lettered. */
export async function reportFailure(failure: RecordFailure, { logger, notify }: ReportDeps): Promise<void> {
  const { error, reason, action } = failure;
  const detail = { stage: 'transform', error: reason.error, reason: reason.reason };
  const subject = {
    ...(reason.table !== undefined && { table: reason.table }),
    ...(reason.key !== undefined && { key: reason.key }),
  };
  if (action === 'retry') {
    logger.warn('the message goes back to its queue', { ...subject, error });
    return;
  }
  logger.error('the message was dead-lettered', { ...subject, error });
  try {
    await notify({ type: 'Table Failed', detail: { ...detail, ...subject } });
  } catch (eventError) {
    // The message is dead-lettered already: failing now would bring it back and dead-letter it twice.
    logger.error('the event Table Failed was not taken', { ...subject, error: eventError as Error });
  }
}

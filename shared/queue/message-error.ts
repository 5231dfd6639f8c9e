import type { PipelineError } from '../errors.ts';

/** The reason a message was dead-lettered, as its SQS message attributes carry it. */
export interface FailureReason {
  /** The class of the error. */
  error: string;
  /** At most 1,024 characters; never a row's values. */
  reason: string;
  table?: string;
  key?: string;
  /** ISO 8601. */
  failedAt: string;
}

const maxReasonCharacters = 1024;

export function failureReasonOf(error: PipelineError, now: Date = new Date()): FailureReason {
  return {
    error: error.name,
    reason: error.message.slice(0, maxReasonCharacters) || error.name,
    ...(error.table === undefined ? {} : { table: error.table }),
    ...(error.key === undefined ? {} : { key: error.key }),
    failedAt: now.toISOString(),
  };
}

import { type FailureSubject, PipelineError, TerminalError, TransientError } from './errors.ts';
import { describeServerError, isServerError, isTransientState } from './postgres/server-error.ts';

/** Node's system errors of a connection that may recover. */
const transientSystemErrors = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

/**
 * AWS error names that succeed when tried again, in addition to every 5xx and what the SDK itself calls retryable.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
 */
const transientAwsErrors = new Set([
  'ConditionalRequestConflict',
  'InternalError',
  'InternalServiceError',
  'OperationAborted',
  'RequestTimeout',
  'RequestTimeoutException',
  'ServiceUnavailable',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TimeoutError',
  'TooManyRequestsException',
]);

interface KnownFailure {
  code?: unknown;
  name?: unknown;
  message?: unknown;
  $metadata?: { httpStatusCode?: number };
  $retryable?: unknown;
}

/**
 * Turns any error into a transient or a terminal one. An unknown error is terminal: retried, it would go unseen, while
 * a dead letter with its reason is seen at once.
 */
export function toPipelineError(error: unknown, subject: FailureSubject = {}): PipelineError {
  if (error instanceof PipelineError) return withSubject(error, subject);
  const failure = (
    typeof error === 'object' && error !== null ? error : { message: String(error) }
  ) as KnownFailure;
  const message = describe(failure);
  const details = { ...subject, cause: error };
  return isTransient(failure) ? new TransientError(message, details) : new TerminalError(message, details);
}

function withSubject(error: PipelineError, subject: FailureSubject): PipelineError {
  const table = error.table ?? subject.table;
  const key = error.key ?? subject.key;
  if (table === error.table && key === error.key) return error;
  const details = { ...(table && { table }), ...(key && { key }), cause: error.cause };
  return error instanceof TransientError
    ? new TransientError(error.message, details)
    : new TerminalError(error.message, details);
}

function isTransient({ code, name, message, $metadata, $retryable }: KnownFailure): boolean {
  if (typeof code === 'string' && (transientSystemErrors.has(code) || isTransientState(code))) return true;
  if (typeof name === 'string' && transientAwsErrors.has(name)) return true;
  if ($retryable !== undefined || ($metadata?.httpStatusCode ?? 0) >= 500) return true;
  // pg reports a socket that ended, under a query or before it, by these texts alone, without a code.
  return (
    typeof message === 'string' &&
    /Connection terminated|is not queryable|timeout exceeded when trying to connect/.test(message)
  );
}

/** An error's own words, without a row's values. */
function describe(failure: KnownFailure): string {
  if (isServerError(failure)) return describeServerError(failure);
  const { name, message } = failure;
  return typeof message === 'string' && message !== '' ? message : String(name ?? 'unknown failure');
}

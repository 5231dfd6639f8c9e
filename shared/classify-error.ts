import {
  type FailureSubject,
  PipelineError,
  RefusedError,
  type Refuser,
  restate,
  TerminalError,
  TransientError,
} from './errors.ts';
import {
  describeServerError,
  isDiskFull,
  isLockNotAvailable,
  isServerError,
  isTransactionTimeout,
  isTransientState,
} from './postgres/server-error.ts';

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
  $retryable?: { throttling?: boolean };
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
  const by = refuserOf(failure);
  if (by !== undefined) return new RefusedError(message, { ...details, by });
  return isTransient(failure) ? new TransientError(message, details) : new TerminalError(message, details);
}

const withSubject = (error: PipelineError, { table, key }: FailureSubject): PipelineError =>
  (error.table !== undefined || table === undefined) && (error.key !== undefined || key === undefined)
    ? error
    : restate(error, { table: error.table ?? table, key: error.key ?? key });

/** AWS error names of a service that has too much to do, beside every 503 and 429. */
const throttling = new Set([
  'SlowDown',
  'ServiceUnavailable',
  'Throttling',
  'ThrottlingException',
  'TooManyRequestsException',
]);

/**
 * What refused, where the failure is the environment's own and no message's. A failure of a connection in the middle of the
 * work is none: a message may be what ended it.
 */
function refuserOf({ code, name, $metadata, $retryable }: KnownFailure): Refuser | undefined {
  // The SDK gives all of its errors metadata, those of the network too, which then have no status.
  if ($metadata !== undefined) {
    const { httpStatusCode: status } = $metadata;
    const isUnreachable = status === undefined && typeof code === 'string' && transientSystemErrors.has(code);
    const isThrottled =
      status === 429 || status === 503 || throttling.has(String(name)) || $retryable?.throttling === true;
    return isUnreachable || isThrottled ? 'AWS' : undefined;
  }
  if (isDiskFull(code) || isTransactionTimeout(code)) return 'database';
  return isLockNotAvailable(code) ? 'lock' : undefined;
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

/** SQLSTATEs by which a server says that it ends the connection; class 08 is of the connection itself. */
const endingStates = new Set(['57P01', '57P02', '57P03', '57P05', '25P03', '25P04']);

/** Whether the error is of a connection to a database that has ended: no error of AWS, and none of the pipeline's own. */
export function isConnectionLost(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || error instanceof PipelineError) return false;
  const { code, message, $metadata } = error as KnownFailure;
  if ($metadata !== undefined) return false;
  if (typeof code === 'string') {
    return transientSystemErrors.has(code) || endingStates.has(code) || /^08...$/.test(code);
  }
  return typeof message === 'string' && /Connection terminated|is not queryable/.test(message);
}

/** An error's own words, without a row's values. */
function describe(failure: KnownFailure): string {
  if (isServerError(failure)) return describeServerError(failure);
  const { name, message } = failure;
  return typeof message === 'string' && message !== '' ? message : String(name ?? 'unknown failure');
}

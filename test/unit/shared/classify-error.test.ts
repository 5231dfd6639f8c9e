import { describe, expect, it } from '@jest/globals';
import { toPipelineError } from '../../../shared/classify-error.ts';
import { TerminalError, TransientError } from '../../../shared/errors.ts';

const failure = (fields: Record<string, unknown>) => Object.assign(new Error('it broke'), fields);

describe('toPipelineError', () => {
  it.each([
    ['a deadlock', { code: '40P01' }],
    ['a lock timeout', { code: '55P03' }],
    ['a statement timeout', { code: '57014' }],
    ['too many connections', { code: '53300' }],
    ['a lost connection', { code: '08006' }],
    ['a transaction_timeout of the role', { code: '25P04' }],
    ['a server that is shutting down', { code: '57P01' }],
    ['a refused connection', { code: 'ECONNREFUSED' }],
    ['throttling', { name: 'ThrottlingException' }],
    ['a conflict of conditional writes', { name: 'ConditionalRequestConflict' }],
    ['an S3 server error', { $metadata: { httpStatusCode: 503 } }],
    ['what the SDK calls retryable', { $retryable: {} }],
    [
      'a socket that ended before a query',
      { message: 'Client has encountered a connection error and is not queryable' },
    ],
    ['a socket that ended under a query', { message: 'Connection terminated unexpectedly' }],
  ])('%s is tried again', (_, fields) => {
    expect(toPipelineError(failure(fields))).toBeInstanceOf(TransientError);
  });

  it.each([
    ['an undefined column', { code: '42703' }],
    ['a missing right', { code: '42501' }],
    ['a unique violation', { code: '23505' }],
    ['access denied by AWS', { name: 'AccessDenied', $metadata: { httpStatusCode: 403 } }],
    ['a bug of our own', { name: 'TypeError' }],
  ])('%s is not', (_, fields) => {
    expect(toPipelineError(failure(fields))).toBeInstanceOf(TerminalError);
  });

  it('keeps the cause and names the SQLSTATE, the table and the key', () => {
    const cause = failure({ code: '42703', severity: 'ERROR' });
    expect(toPipelineError(cause, { table: 'staff', key: 'k' })).toMatchObject({
      message: 'it broke (SQLSTATE 42703)',
      table: 'staff',
      key: 'k',
      cause,
    });
  });

  it('adds what is known to a failure that says less, and changes nothing else', () => {
    const error = new TransientError('later', { key: 'k', cause: 1 });
    expect(toPipelineError(error)).toBe(error);
    const named = toPipelineError(error, { table: 'staff', key: 'other' });
    expect(named).toBeInstanceOf(TransientError);
    expect(named).toMatchObject({ message: 'later', table: 'staff', key: 'k', cause: 1 });
    expect(toPipelineError(new TerminalError('no'), { table: 't' })).toBeInstanceOf(TerminalError);
  });

  it('takes what is no error for what it is', () => {
    expect(toPipelineError('boom')).toMatchObject({ name: 'TerminalError', message: 'boom' });
  });
});

import { describe, expect, it } from '@jest/globals';
import { TerminalError, TransientError } from '../../../shared/errors.ts';
import { decideRetry } from '../../../shared/handler/sqs-records.ts';
import { failureReasonOf } from '../../../shared/queue/dead-letter.ts';
import { formatObjectCreated, parseObjectCreated } from '../../../shared/queue/object-created.ts';
import {
  type ExtractMessage,
  formatExtractMessage,
  parseExtractMessage,
} from '../../../shared/records/extract-message.ts';

const message: ExtractMessage = {
  version: 1,
  run: '20261123T221500123Z1f3a',
  slice: '0007',
  table: 'sales_order',
  generation: '3',
  identity: '["7",5,1]',
  plannedXmax: '18446744073709551615',
  newRows: { since: '900', inProgress: ['850', '899'] },
  blocks: { from: 0, to: 1024 },
  fileNode: '16401',
};

describe('extract messages', () => {
  it('are read back as they were formatted', () => {
    expect(parseExtractMessage(formatExtractMessage(message))).toEqual(message);
  });

  it.each([
    ['not JSON', 'hello'],
    ['no object', '[]'],
    ['of another version', JSON.stringify({ ...message, version: 2 })],
    ['of an older version', JSON.stringify({ ...message, version: 0 })],
    ['of a run that is none', JSON.stringify({ ...message, run: '../../state/runs' })],
    ['of a slice that is none', JSON.stringify({ ...message, slice: '1/../2' })],
    ['of a generation that is none', JSON.stringify({ ...message, generation: 'first' })],
    ['with new rows that are none', JSON.stringify({ ...message, newRows: null })],
    ['with blocks that are none', JSON.stringify({ ...message, blocks: null })],
    ['without a table', JSON.stringify({ ...message, table: undefined })],
    ['with an xid that is none', JSON.stringify({ ...message, plannedXmax: '1; drop' })],
    ['with a list that is none', JSON.stringify({ ...message, newRows: { since: '1', inProgress: 'x' } })],
    [
      'with an xid in the list that is none',
      JSON.stringify({ ...message, newRows: { since: '1', inProgress: ['x'] } }),
    ],
    ['with blocks that are no range', JSON.stringify({ ...message, blocks: { from: -1 } })],
  ])('%s are refused for good', (_, body) => {
    expect(() => parseExtractMessage(body)).toThrow(TerminalError);
  });
});

it('an extract message that cannot be read names its table all the same', () => {
  expect(() => parseExtractMessage(JSON.stringify({ ...message, version: 0 }))).toThrow(
    expect.objectContaining({ table: 'sales_order', message: expect.stringContaining('version 0') }),
  );
});

describe('S3 events', () => {
  it('name their objects, whichever way a space is encoded', () => {
    const event = (key: string) =>
      JSON.stringify({ Records: [{ s3: { bucket: { name: 'b' }, object: { key } } }] });
    expect(parseObjectCreated(event('a+b/c%2Bd'))).toEqual([{ bucket: 'b', key: 'a b/c+d' }]);
    expect(parseObjectCreated(event('a%20b'))).toEqual([{ bucket: 'b', key: 'a b' }]);
  });

  it('that we send ourselves are read as those of S3', () => {
    const reference = { bucket: 'b', key: 'täble %2E/2026/a b+c' };
    expect(parseObjectCreated(formatObjectCreated(reference))).toEqual([reference]);
  });

  it('of a test name nothing', () => {
    expect(parseObjectCreated('{"Service":"Amazon S3","Event":"s3:TestEvent"}')).toEqual([]);
  });

  it.each([
    'x',
    '{}',
    '{"Records":[{}]}',
    '{"Records":[{"s3":{"bucket":{"name":"b"},"object":{"key":"%"}}}]}',
  ])('that are none are refused: %s', (body) => {
    expect(() => parseObjectCreated(body)).toThrow(TerminalError);
  });
});

describe('the retry policy', () => {
  it('sends what would fail again to the dead letters at once', () => {
    expect(decideRetry(new TerminalError('x'), 1)).toEqual({ action: 'dead-letter' });
  });

  it('waits longer each time, then gives up with the reason on the last receive that SQS allows', () => {
    const delays = [1, 2, 3, 4].map((count) => decideRetry(new TransientError('x'), count));
    expect(delays).toEqual(
      [2, 10, 50, 250].map((visibilitySeconds) => ({ action: 'retry', visibilitySeconds })),
    );
    expect(decideRetry(new TransientError('x'), 5)).toEqual({ action: 'dead-letter' });
  });

  it('gives a reason that fits into a message attribute and is never empty', () => {
    const now = new Date('2026-11-23T10:00:00Z');
    expect(failureReasonOf(new TerminalError('x'.repeat(5000), { table: 't' }), now)).toEqual({
      error: 'TerminalError',
      reason: 'x'.repeat(1024),
      table: 't',
      failedAt: '2026-11-23T10:00:00.000Z',
    });
    expect(failureReasonOf(new TransientError('')).reason).toBe('TransientError');
  });
});

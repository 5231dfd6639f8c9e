import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type PipelineError, RefusedError, TerminalError, TransientError } from '../../../shared/errors.ts';
import { decideRetry } from '../../../shared/handler/sqs-records.ts';
import { failureReasonOf } from '../../../shared/queue/dead-letter.ts';
import { formatObjectCreated, parseObjectCreated } from '../../../shared/queue/object-created.ts';
import {
  type ExtractMessage,
  formatExtractMessage,
  parseExtractMessage,
} from '../../../shared/records/plan/extract-message.ts';

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
    const numbered = { ...message, model: 7 };
    expect(parseExtractMessage(formatExtractMessage(numbered))).toEqual(numbered);
  });

  it.each<[string, Partial<ExtractMessage>, 1 | 2]>([
    ['a census is of version 2, or 0.1.0 would read rows in its place', { census: {} }, 2],
    [
      'rows that join none are of version 2, or 0.1.0 would leave them out',
      { newRows: { since: '900', inProgress: [], unmatched: true } },
      2,
    ],
    [
      'what is read by an index is of version 1: 0.1.0 reads more of the table',
      { index: { column: 'last_updated', from: '2026-01-01' } },
      1,
    ],
  ])('%s', (_, more, version) => {
    const body = formatExtractMessage({ ...message, ...more });
    expect(JSON.parse(body)).toMatchObject({ version });
    expect(parseExtractMessage(body)).toEqual({ ...message, ...more, version });
  });

  it.each([
    ['not JSON', 'hello'],
    ['no object', '[]'],
    ['of another version', JSON.stringify({ ...message, version: '2' })],
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
    ['with a model that is none', JSON.stringify({ ...message, model: 'first' })],
    ['with a model below 1', JSON.stringify({ ...message, model: 0 })],
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
  const sent = new Date('2026-11-23T10:00:00Z');
  const later = (seconds: number) => new Date(sent.getTime() + seconds * 1000);
  const state = (receives: number, attempts: number) => ({ receives, attempts, waitingSince: sent });
  const decide = (error: PipelineError, receives: number, attempts: number, now = sent) =>
    decideRetry(error, state(receives, attempts), now, 300);
  const refused = new RefusedError('the server is starting', { by: 'warehouse' });

  it('sends what would fail again to the dead letters at once', () => {
    expect(decide(new TerminalError('x'), 1, 0)).toEqual({ action: 'dead-letter' });
  });

  it('counts each failure, waits longer each time, and gives up at the fifth', () => {
    const verdicts = [0, 1, 2, 3].map((attempts) => decide(new TransientError('x'), 1, attempts));
    expect(verdicts).toEqual(
      [2, 10, 50, 250].map((delaySeconds, before) => ({
        action: 'retry',
        attempts: before + 1,
        delaySeconds,
        isCopied: true,
        waitingSince: sent,
      })),
    );
    expect(decide(new TransientError('x'), 1, 4)).toEqual({ action: 'dead-letter' });
  });

  it('lets a refused message wait for an eighth of the time that it has waited, 2 to 300 seconds', () => {
    const delays = [0, 60, 600, 86_400 * 30].map((seconds) => decide(refused, 1, 0, later(seconds)));
    expect(delays.map((verdict) => 'delaySeconds' in verdict && verdict.delaySeconds)).toEqual([
      2, 8, 75, 300,
    ]);
  });

  it('never makes a dead letter of a refusal, and counts none', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.nat(4), fc.nat(1e8), (receives, attempts, seconds) => {
        expect(decide(refused, receives, attempts, later(seconds))).toMatchObject({
          action: 'wait',
          attempts,
        });
      }),
    );
  });

  it('copies a refused message at its fifth receive, and not before', () => {
    const verdicts = [1, 2, 3, 4, 5, 6].map((receives) => decide(refused, receives, 2));
    expect(verdicts.map((verdict) => 'isCopied' in verdict && verdict.isCopied)).toEqual([
      false,
      false,
      false,
      false,
      true,
      true,
    ]);
  });

  // A function that dies between the send and the delete leaves both. Three days, one attempt each 5 minutes, and
  // 2 of 100 copies doubled: with a copy at each receive that would be 1.02 ^ 864, 27 million messages.
  it('does not multiply a message that waits for three days', () => {
    let messages = 1;
    let receives = 1;
    for (let seconds = 0; seconds < 3 * 86_400; ) {
      const verdict = decide(refused, receives, 0, later(seconds));
      if (!('delaySeconds' in verdict)) throw new Error('a refusal became a dead letter');
      if (verdict.isCopied) messages *= 1.02;
      receives = verdict.isCopied ? 1 : receives + 1;
      seconds += verdict.delaySeconds;
    }
    expect(messages).toBeLessThan(50);
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

it('an extract message of a newer release waits until this one is upgraded, too', () => {
  expect(() => parseExtractMessage(JSON.stringify({ ...message, version: 3 }))).toThrow(
    expect.objectContaining({
      name: 'TransientError',
      message: expect.stringContaining('deploy all services'),
    }),
  );
});

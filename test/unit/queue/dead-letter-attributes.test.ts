import { describe, expect, it } from '@jest/globals';
import type { SQSRecord } from 'aws-lambda';
import fc from 'fast-check';
import { makeDeadLetterAttributes } from '../../../shared/queue/dead-letter.ts';

const reason = {
  error: 'TerminalError',
  reason: 'the message is not JSON',
  failedAt: '2024-02-29T00:00:00.000Z',
  table: 'staff',
  key: 'staff/2024/x',
};

const record = (body: string, attributes: Record<string, string> = {}) =>
  ({
    body,
    messageAttributes: Object.fromEntries(
      Object.entries(attributes).map(([name, stringValue]) => [name, { dataType: 'String', stringValue }]),
    ),
  }) as unknown as SQSRecord;

const textsOf = (attributes: ReturnType<typeof makeDeadLetterAttributes>) =>
  Object.fromEntries(Object.entries(attributes).map(([name, { StringValue }]) => [name, StringValue]));

/** As AWS counts a message: body, and of each attribute name, type and value. */
const bytesOf = (body: string, attributes: ReturnType<typeof makeDeadLetterAttributes>) =>
  Object.entries(attributes).reduce(
    (sum, [name, { DataType = '', StringValue = '' }]) =>
      sum + Buffer.byteLength(name) + Buffer.byteLength(DataType) + Buffer.byteLength(StringValue),
    Buffer.byteLength(body),
  );

describe('the attributes of a dead letter', () => {
  it('say why it failed, and keep what the message had', () => {
    expect(textsOf(makeDeadLetterAttributes(record('{}', { replay: 'r1', other: 'x' }), reason, 3))).toEqual({
      ...reason,
      attempts: '3',
      replay: 'r1',
      other: 'x',
    });
  });

  it('say nothing of an earlier failure', () => {
    const { table: _table, key: _key, ...unnamed } = reason;
    const earlier = record('{}', { reason: 'old', key: 'old', table: 'old', failedAt: 'old' });
    expect(textsOf(makeDeadLetterAttributes(earlier, unnamed, 3))).toEqual({ ...unnamed, attempts: '3' });
  });

  it('are ten at most, and the foreign ones give way', () => {
    const many = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`x${n}`, 'y']));
    const sent = { ...many, replay: 'r1', leastRevision: '2' };
    const attributes = makeDeadLetterAttributes(record('{}', sent), reason, 3);
    expect(Object.keys(attributes)).toHaveLength(10);
    expect(textsOf(attributes)).toMatchObject({ ...reason, replay: 'r1', leastRevision: '2' });
  });

  it('cut the reason where the body leaves little room, and leave out what does not fit', () => {
    const body = 'x'.repeat(256 * 1024 - 150);
    const attributes = makeDeadLetterAttributes(record(body), { ...reason, key: 'k'.repeat(500) }, 3);
    expect(textsOf(attributes)).toMatchObject({ error: 'TerminalError', table: 'staff' });
    expect(attributes).not.toHaveProperty('key');
    expect(reason.reason.startsWith(attributes.reason?.StringValue ?? '?')).toBe(true);
    expect(makeDeadLetterAttributes(record('x'.repeat(256 * 1024)), reason, 3)).toEqual({});
  });

  it('have the room of 1 MiB where the body is longer than 256 KiB', () => {
    expect(textsOf(makeDeadLetterAttributes(record('x'.repeat(300_000)), reason, 3))).toMatchObject(reason);
  });

  it('hold no character that SQS refuses', () => {
    const attributes = makeDeadLetterAttributes(
      record('{}'),
      { ...reason, key: 'a\u0000b\ud800c\uffffd😀' },
      3,
    );
    expect(attributes.key?.StringValue).toBe('a\ufffdb\ufffdc\ufffdd😀');
  });

  it('never make a message too large, whatever the body and the texts', () => {
    const text = fc.string({ unit: 'binary', maxLength: 1024 });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2000 }), text, text, text, (room, why, key, replay) => {
        const body = 'é'.repeat((256 * 1024 - room) >> 1);
        const attributes = makeDeadLetterAttributes(
          record(body, { replay }),
          {
            ...reason,
            reason: why,
            key,
          },
          3,
        );
        expect(bytesOf(body, attributes)).toBeLessThanOrEqual(256 * 1024);
        for (const { StringValue } of Object.values(attributes)) expect(StringValue).not.toBe('');
      }),
    );
  });
});

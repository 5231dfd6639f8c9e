import { describe, expect, it } from '@jest/globals';
import { formatLeastRevision, parseLeastRevision } from '../../../shared/queue/least-revision.ts';

describe('the least revision of a message', () => {
  it.each([0, 1, 206_000_000, 2 ** 31 - 1])('%d is read as it was written', (revision) => {
    expect(parseLeastRevision(formatLeastRevision(revision).leastRevision?.StringValue)).toBe(revision);
  });

  it('is not mentioned where it is 0', () => {
    expect(formatLeastRevision(0)).toEqual({});
  });

  it.each(['', '-1', '1.5', 'one', '2147483648', '00000000001'])('%j is refused', (text) => {
    expect(() => parseLeastRevision(text)).toThrow(`the message's leastRevision is ${JSON.stringify(text)}`);
  });
});

import { describe, expect, it } from '@jest/globals';
import { makeDifferenceError } from '../../helpers/never-silently-wrong.ts';

describe('a comparison that differs', () => {
  const idle = [{ ready: 0, inFlight: 0 }];
  const busy = [...idle, { ready: 0, inFlight: 1 }];

  it.each([
    [{ ok: true, queues: idle }, /^SILENTLY WRONG: .*\n.*dim_staff/],
    [{ ok: true, queues: busy }, /^status is green, 1 messages are in flight; .*\n.*dim_staff/],
    [{ ok: false, queues: idle }, /^status is red, 0 messages are in flight; .*\n.*dim_staff/],
    [undefined, /^source and warehouse differ:\n.*dim_staff/],
  ])('with the status %j says so', (status, message) => {
    expect(makeDifferenceError(['dim_staff'], status).message.replace('[\n', '[')).toMatch(message);
  });
});

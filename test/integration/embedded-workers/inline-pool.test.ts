import { describe, expect, it } from '@jest/globals';
import { TransientError } from '../../../shared/errors.ts';
import { startInlinePool } from '../../helpers/processes/inline-pool.ts';

describe('the inline pool', () => {
  it('runs a handler in this process, on a copy of the event', async () => {
    const pool = startInlinePool({
      f: async (event, context) => {
        const input = event as { at: unknown };
        return { at: input.at, name: (context as { functionName: string }).functionName };
      },
    });
    const at = new Date('2024-02-29T00:00:00Z');
    expect(await pool.invoke('f', { at })).toEqual({ at: '2024-02-29T00:00:00.000Z', name: 'f' });
  });

  it('rejects with what the handler threw, and for a function that it has not', async () => {
    const pool = startInlinePool({ f: () => Promise.reject(new TypeError('no')) });
    await expect(pool.invoke('f', {})).rejects.toMatchObject({ errorType: 'TypeError', message: 'f: no' });
    await expect(pool.invoke('g', {})).rejects.toThrow('there is no function g');
  });

  it('runs no more than its size at the same time, and rejects what waits when stopped', async () => {
    let finish = (_: unknown) => {};
    const finished = new Promise((resolve) => {
      finish = resolve;
    });
    let started = 0;
    const f = () => {
      started += 1;
      return finished;
    };
    const pool = startInlinePool({ f }, 1);
    const first = pool.invoke('f', {});
    const second = pool.invoke('f', {});
    await pool.stop();
    await expect(second).rejects.toBeInstanceOf(TransientError);
    await expect(pool.invoke('f', {})).rejects.toBeInstanceOf(TransientError);
    finish('done');
    expect(await first).toBe('done');
    expect(started).toBe(1);
  });
});

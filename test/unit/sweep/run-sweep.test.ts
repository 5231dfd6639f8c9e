import { describe, expect, it } from '@jest/globals';
import { runSweep } from '../../../shared/sweep/sweep-function.ts';

const logger = { info: () => {}, warn: () => {} };
const result = { objects: 3, sent: [], isBlind: false };

describe('a sweep', () => {
  it('looks for lost objects after it has told, for both take dead letters in hand', async () => {
    const done: string[] = [];
    const parts = {
      notifyMoved: async () => {
        await Promise.resolve();
        return done.push('told');
      },
      sweep: async () => {
        done.push('swept');
        return result;
      },
    };
    expect(await runSweep(parts, logger)).toEqual({ ...result, reported: 1 });
    expect(done).toEqual(['told', 'swept']);
  });

  it('looks for lost objects though nobody could be told, and fails for that in the end', async () => {
    let isSwept = false;
    const parts = {
      notifyMoved: () => Promise.reject(new Error('no event bus')),
      sweep: async () => {
        isSwept = true;
        return result;
      },
    };
    await expect(runSweep(parts, logger)).rejects.toThrow('no event bus');
    expect(isSwept).toBe(true);
  });
});

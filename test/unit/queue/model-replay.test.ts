import { describe, expect, it } from '@jest/globals';
import { formatModelReplay, parseModelReplay } from '../../../shared/queue/model-replay.ts';

describe('the replay of an object of an older model', () => {
  it.each([1, 42])('names model %d', (number) => {
    expect(parseModelReplay(formatModelReplay(number))).toBe(number);
  });

  it.each([undefined, '', '20261130T120000000Zabcd', 'model-', 'model-x', 'model-1.5'])(
    'is not taken for one where its id is %j',
    (replay) => {
      expect(parseModelReplay(replay)).toBeUndefined();
    },
  );
});

import { expect } from '@jest/globals';
import { isLong, takeShard, tell } from '../../helpers/jest/long-form.ts';
import type { Director } from '../world/invocation.ts';

/** A call by its number in the run, from 0, and which side of its effect. */
export interface CrashPoint {
  number: number;
  stage: 'before' | 'after';
}

const shortPoints = 12;

/** A director that counts calls, and ends the invocation that makes the one at the point. */
export function crashAt(point: CrashPoint | undefined): { director: Director; calls: string[] } {
  const calls: string[] = [];
  const director: Director = ({ name }) => {
    calls.push(name);
    return calls.length - 1 === point?.number ? `crash ${point.stage}` : 'go on';
  };
  return { director, calls };
}

/**
 * Crashes at one point after the other, and asserts that every one passes.
 *
 * @param calls what the run calls when nothing crashes
 * @param crash one run with its checks; @returns what was called at the point, undefined where it had no such call
 * @param part of the points that the long form takes
 */
export async function sweepPoints(
  calls: readonly string[],
  crash: (point: CrashPoint) => Promise<string | undefined>,
  part = 1,
): Promise<void> {
  const points = choosePoints(calls.length, part);
  const failures: string[] = [];
  let swept = 0;
  for (const point of points) {
    const name = `POINT=${point.number}-${point.stage} ${calls[point.number]}`;
    try {
      if ((await crash(point)) !== undefined) swept++;
      if (swept % 100 === 0) tell(`crash sweep: ${swept} of ${points.length}, now ${name}`);
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      tell(`crash sweep: ${name} failed`);
    }
  }
  tell(`crash sweep: ${swept} of ${2 * calls.length} points swept, ${failures.length} failed`);
  expect(failures).toEqual([]);
  // A run may make a few calls less than the one that was counted.
  const mayLack = isLong ? Math.max(1, 0.01 * points.length) : 0;
  expect(points.length - swept).toBeLessThanOrEqual(mayLack);
}

/** All points (SHARD=0/4: a fourth of them), or as many as the short form takes; POINT=17-after is that one alone. */
function choosePoints(calls: number, part: number): CrashPoint[] {
  const all = Array.from({ length: calls }, (_, number) => number).flatMap((number) =>
    (['before', 'after'] as const).map((stage) => ({ number, stage })),
  );
  const alone = process.env.POINT;
  if (alone !== undefined) return all.filter(({ number, stage }) => `${number}-${stage}` === alone);
  if (isLong) return takeShard(spread(all, part * all.length));
  return spread(all, shortPoints);
}

/** So many of them, at equal distances. */
function spread<T>(all: readonly T[], count: number): T[] {
  const step = Math.max(1, all.length / count);
  return all.filter((_, index) => Math.floor(index / step) !== Math.floor((index - 1) / step));
}

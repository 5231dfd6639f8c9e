import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { expectAllArrived, loadInitially, runIncrementally } from './crash-scenario.ts';
import type { History } from './helpers/expectations.ts';
import type { Director } from './helpers/invocation.ts';
import { World } from './helpers/world.ts';

const isLong = process.env.RELIABILITY === 'long';
const shortPoints = 40;
const minutes = 60_000;

type Stage = 'before' | 'after';
interface Point {
  number: number;
  stage: Stage;
}

/** A director that counts calls, and ends the invocation that makes the one at the point. */
function crashAt(point: Point | undefined): { director: Director; calls: string[] } {
  const calls: string[] = [];
  const director: Director = ({ name }) => {
    calls.push(name);
    return calls.length - 1 === point?.number ? `crash ${point.stage}` : 'go on';
  };
  return { director, calls };
}

describe('a crash at any call that a handler makes, before or after it took effect', () => {
  let world: World;
  /** Rounds of the incremental part that this warehouse has seen; undefined where it is to be made anew. */
  let round: number | undefined;
  let history: History = new Map();
  let initial: string[];
  let incremental: string[];

  const beginAnew = async () => {
    await world.reset();
    history = new Map();
    round = 0;
  };

  const runRound = async (director: Director) => {
    round = (round ?? 0) + 1;
    await runIncrementally(world, director, { round, history });
    await expectAllArrived(world, history);
  };

  beforeAll(async () => {
    world = await World.start();
    const counted = { initial: crashAt(undefined), incremental: crashAt(undefined) };
    await beginAnew();
    await loadInitially(world, counted.initial.director, history);
    await runRound(counted.incremental.director);
    initial = counted.initial.calls;
    incremental = counted.incremental.calls;
  });
  afterAll(() => world.stop());

  /** @returns what was called at the point; undefined where the run had no such call this time */
  const crashInitially = async (point: Point): Promise<string | undefined> => {
    await beginAnew();
    const { director, calls } = crashAt(point);
    await loadInitially(world, director, history);
    await expectAllArrived(world, history);
    // What a plan leaves behind is for the plans after it.
    if (initial[point.number]?.startsWith('plan')) await runRound(() => 'go on');
    return calls[point.number];
  };

  const crashIncrementally = async (point: Point): Promise<string | undefined> => {
    if (round === undefined) {
      await beginAnew();
      await loadInitially(world, () => 'go on', history);
    }
    const { director, calls } = crashAt(point);
    await runRound(director);
    return calls[point.number];
  };

  it(
    'loses nothing and doubles nothing',
    async () => {
      const points = choosePoints(initial.length + incremental.length);
      const failures: string[] = [];
      let swept = 0;
      for (const { number, stage } of points) {
        const isInitial = number < initial.length;
        const point = { stage, number: isInitial ? number : number - initial.length };
        const name = `POINT=${number}-${stage} ${(isInitial ? initial : incremental)[point.number]}`;
        if (!isInitial && (round ?? 0) >= 40) round = undefined;
        try {
          const called = isInitial ? await crashInitially(point) : await crashIncrementally(point);
          if (called !== undefined) swept++;
          if (swept % 100 === 0) tell(`crash sweep: ${swept} of ${points.length}, now ${name}`);
        } catch (error) {
          failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
          round = undefined;
        }
      }
      tell(`crash sweep: ${swept} of ${2 * (initial.length + incremental.length)} points swept`);
      expect(failures).toEqual([]);
      expect(swept).toBeGreaterThan(points.length * 0.99);
    },
    120 * minutes,
  );
});

/** All points (SHARD=0/4: a fourth of them), or as many as the short form takes; POINT=17-after is that one alone. */
function choosePoints(calls: number): Point[] {
  const all = Array.from({ length: calls }, (_, number) => number).flatMap((number) =>
    (['before', 'after'] as const).map((stage) => ({ number, stage })),
  );
  const alone = process.env.POINT;
  if (alone !== undefined) return all.filter(({ number, stage }) => `${number}-${stage}` === alone);
  const [shard = 0, shards = 1] = process.env.SHARD?.split('/').map(Number) ?? [];
  if (isLong) return all.filter((_, index) => index % shards === shard);
  const offset = all.length / shortPoints;
  return Array.from(
    { length: shortPoints },
    (_, n) => all[Math.floor(n * offset)] ?? { number: 0, stage: 'before' },
  );
}

/** On stderr at once, where Jest would add its own frame. */
const tell = (line: string): void => void process.stderr.write(`${line}\n`);

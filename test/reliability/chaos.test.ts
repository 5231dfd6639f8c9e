import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { tell } from '../helpers/jest/long-form.ts';
import { chooseSeeds } from '../helpers/jest/seeds.ts';
import { faultKinds } from '../helpers/network/faults.ts';
import { ChaosRoad, type RoundResult } from './chaos/chaos-road.ts';

const minutes = 60_000;

describe('connections to source and warehouse that break, stall and come in pieces', () => {
  const environment = { ...process.env };
  let road: ChaosRoad;

  beforeAll(async () => {
    Object.assign(process.env, { RETRY_LONGEST_SECONDS: '1', CONNECT_PATIENCE_MS: '100' });
    road = await ChaosRoad.start();
  });
  afterAll(async () => {
    await road.stop();
    process.env = environment;
  });

  it(
    'leave the warehouse exact, and are never silently wrong on the way',
    async () => {
      const failures: string[] = [];
      const rounds: RoundResult[] = [];
      const seeds = chooseSeeds('chaos', { short: 5, long: 50 });
      for (const seed of seeds) {
        try {
          rounds.push(await road.round(seed));
        } catch (error) {
          failures.push(`SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`);
          // What it has left behind would be the next round's.
          break;
        }
      }
      const traces = rounds.flatMap(({ trace }) => [...trace.source, ...trace.warehouse]);
      tell(`chaos: ${rounds.length} of ${seeds.length} rounds passed, ${traces.length} faults`);
      expect(failures).toEqual([]);
      // A round without faults proves nothing.
      if (seeds.length < 5) return;
      for (const kind of faultKinds) expect(traces.join('\n')).toContain(`"${kind}"`);
      for (const place of ['copy in', 'copy out']) {
        expect(traces.filter((line) => line.includes('reset in copy')).join('\n')).toContain(`"${place}"`);
      }
    },
    90 * minutes,
  );

  it(
    'are the same faults again for the same seed',
    async () => {
      const first = await road.round(3);
      const again = await road.round(3);
      expect([...first.trace.source, ...first.trace.warehouse].length).toBeGreaterThan(0);
      expect(again.trace).toEqual(first.trace);
    },
    5 * minutes,
  );
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { differences } from './differences.ts';
import { observe } from './piece.ts';
import { type PieceName, pieces } from './pieces.ts';
import type { Service, ServiceName } from './service.ts';

/** A service that was started for the suite. */
export interface StartedService {
  service: Service;
  stop(): Promise<void>;
}

/** Holds one service to what AWS' documentation says, but for its rows in the table of differences. */
export function describeContract(name: ServiceName, start: () => Promise<StartedService>): void {
  describe(`${name} does what the product leans on`, () => {
    let started: StartedService | undefined;
    const begun = new Map<PieceName, Promise<unknown>>();
    const begin = (piece: (typeof pieces)[number]) => {
      if (started === undefined) throw new Error(`${name} did not start`);
      const observation = observe(piece, started.service);
      // Looked at by its test, which may be a minute later.
      observation.catch(() => {});
      begun.set(piece.name, observation);
      return observation;
    };

    beforeAll(async () => {
      started = await start();
      for (const piece of pieces) if (piece.slow) void begin(piece);
    });
    afterAll(async () => {
      await started?.stop();
    });

    for (const piece of pieces) {
      const difference = differences[name][piece.name];
      const title = difference === undefined ? piece.name : `${piece.name}: otherwise, ${difference.because}`;
      it(title, async () => {
        const observation = await (begun.get(piece.name) ?? begin(piece));
        expect(observation).toEqual(difference === undefined ? piece.aws : difference.instead);
      });
    }

    it('has no difference in the table that is none', () => {
      for (const piece of pieces) {
        const difference = differences[name][piece.name];
        if (difference !== undefined) expect(difference.instead).not.toEqual(piece.aws);
      }
    });
  });
}

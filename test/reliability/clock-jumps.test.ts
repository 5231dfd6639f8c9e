import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { outageCauses } from './outages/outage-causes.ts';
import { OutageRoad } from './outages/outage-road.ts';

const RealDate = Date;
const dayMs = 24 * 3_600_000;
let aheadMs = 0;

/** The wall clock of this process, and so of the queues and functions in it. Timers follow the monotonic clock, as ever. */
class ShiftedDate extends RealDate {
  constructor(given?: number | string) {
    super(given ?? ShiftedDate.now());
  }

  static override now(): number {
    return RealDate.now() + aheadMs;
  }
}

const environment = { ...process.env };

describe('a clock that is set while messages wait for their retry', () => {
  let under: OutageRoad;
  beforeAll(async () => {
    Object.assign(process.env, { RETRY_LONGEST_SECONDS: '1', CONNECT_PATIENCE_MS: '100' });
    under = await OutageRoad.start();
    globalThis.Date = ShiftedDate as DateConstructor;
  });
  afterAll(async () => {
    globalThis.Date = RealDate;
    process.env = environment;
    await under.stop();
  });

  it.each([
    ['back by a day', -dayMs],
    ['ahead by a year', 365 * dayMs],
    ['back to where it was', 0],
  ])(
    '%s: none of them is delayed, no message is lost, and all is exact',
    async (_how, byMs) => {
      const { road } = under;
      const [refusal] = outageCauses.filter(({ code }) => code === '28000');
      await under.change();
      const end = await refusal?.begin(under.targets.warehouse);
      await road.plan();
      await road.settle('transform');
      road.start('load');
      await under.untilRefused();
      aheadMs = byMs;
      await end?.();
      await under.reconnect();
      // Far less than the clock has moved by.
      await road.settle('load', 60);
      await road.run();
      expect(await road.deadLetters()).toEqual([]);
      expect(await under.differences()).toEqual([]);
    },
    120_000,
  );
});

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isLong, tell } from '../helpers/jest/long-form.ts';
import { canMount, outageCauses, SmallTablespace } from './outages/outage-causes.ts';
import { OutageRoad, type Side } from './outages/outage-road.ts';

const minutes = 60_000;
const bothSides: Side[] = ['source', 'warehouse'];
const whichSides: [string, Side[]][] = [
  ['both', bothSides],
  ['the source', ['source']],
  ['the warehouse', ['warehouse']],
];

/** Each cause at each side; in the short form each cause once, and the sides in turn. */
const cases = outageCauses.flatMap((cause, index) =>
  whichSides
    .filter((_, which) => isLong || which === index % whichSides.length)
    .map(([which, sides]) => [which, cause.name, cause.code, { cause, sides }] as const),
);

const environment = { ...process.env };
beforeAll(() => {
  Object.assign(process.env, { RETRY_LONGEST_SECONDS: '1', CONNECT_PATIENCE_MS: '100' });
});
afterAll(() => {
  process.env = environment;
});

describe('an outage that outlasts all retries', () => {
  let under: OutageRoad;
  beforeAll(async () => {
    under = await OutageRoad.start();
  });
  afterAll(() => under.stop());

  it.each(cases)(
    'of %s, because %s (%s), costs no dead letter and is reported once',
    async (_which, _name, _code, { cause, sides }) => {
      const { road } = under;
      under.takeOutageEvents();
      await under.change();
      await road.plan();
      if (!sides.includes('source')) await road.settle('transform');
      for (const kind of ['extract', 'transform', 'load'] as const) await road.stop(kind);
      const ends = [];
      for (const side of sides) ends.push(await cause.begin(under.targets[side]));
      for (const kind of ['extract', 'transform', 'load'] as const) road.start(kind);
      await under.plan();
      await under.untilRetriesAreOver();
      await under.plan();
      const begun = under.takeOutageEvents();
      for (const end of ends) await end();
      await under.reconnect();
      // A source that was restarted is another one to what was planned before. The schedule plans before retries are over.
      await road.plan();
      await road.settle('load', 90);
      await road.run();
      expect(await road.deadLetters()).toEqual([]);
      // A source that refuses keeps all work from the warehouse, which then nobody asks.
      const refusing = sides.includes('source') ? ['source'] : ['warehouse'];
      expect(begun).toEqual(refusing.map((side) => `${side} Outage Began`));
      expect(under.takeOutageEvents()).toEqual(refusing.map((side) => `${side} Outage Ended`));
      expect(await under.differences()).toEqual([]);
    },
    3 * minutes,
  );
});

describe('a transaction_timeout on the roles (25P04)', () => {
  it('that is shorter than any work costs no dead letter', async () => {
    const under = await OutageRoad.start();
    try {
      await under.limitTransactions('5ms');
      await under.change();
      await under.road.run();
      expect(await under.road.deadLetters()).toEqual([]);
      expect(under.takeOutageEvents()).toEqual([]);
      expect(await under.differences()).toEqual([]);
    } finally {
      await under.stop();
    }
  });
});

const mayMount = canMount();
if (!mayMount)
  tell('\nNOT TESTED: a full disk of the warehouse. A file system of its own cannot be mounted here.\n');

(mayMount ? describe : describe.skip)('a warehouse whose disk is full for longer than all retries', () => {
  let disk: SmallTablespace;
  let under: OutageRoad;
  beforeAll(async () => {
    under = await OutageRoad.start(async (warehouse) => {
      disk = await SmallTablespace.make(warehouse, '64m');
    });
  });
  afterAll(async () => {
    await under.stop();
    disk.remove();
  });

  it(
    'costs no dead letter, is reported once, and is exact after it',
    async () => {
      const { road } = under;
      await under.change();
      under.takeOutageEvents();
      await disk.fill();
      for (const kind of ['extract', 'transform', 'load'] as const) road.start(kind);
      await under.plan();
      await under.untilRetriesAreOver();
      expect(under.takeOutageEvents()).toEqual(['warehouse Outage Began']);
      await disk.makeRoom();
      await road.settle('load', 90);
      await road.run();
      expect(await road.deadLetters()).toEqual([]);
      expect(under.takeOutageEvents()).toEqual(['warehouse Outage Ended']);
      expect(await under.differences()).toEqual([]);
    },
    3 * minutes,
  );
});

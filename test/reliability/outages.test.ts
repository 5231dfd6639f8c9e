import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isLong, tell } from '../helpers/jest/long-form.ts';
import { seen } from '../helpers/seen.ts';
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
      // On a busy machine the time may be over before it can be lifted, which is an outage for a moment.
      const events = under.takeOutageEvents();
      const ended = events.filter((event) => event.endsWith('Outage Ended'));
      expect(events.filter((event) => event.endsWith('Outage Began'))).toHaveLength(ended.length);
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
    under = await OutageRoad.start({
      warehouse: async (target) => {
        disk = await SmallTablespace.make(target, '64m');
      },
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

(mayMount ? describe : describe.skip)('a source that has no room for what a query puts aside', () => {
  let disk: SmallTablespace;
  let under: OutageRoad;
  beforeAll(async () => {
    under = await OutageRoad.start({
      source: async (target) => {
        disk = await SmallTablespace.make(target, '256m');
      },
    });
    // A join of these no longer fits in the memory that the role has for it.
    await under.administerSource(`
      insert into address
      select 1000 + n, repeat('line', 20), null, null, 'Town', 'P', 'Country', '0', now(), now()
        from generate_series(1, 20000) n;
      insert into counterparty
      select 1000 + n, 'Counterparty ' || n, 1000 + n, null, null, now(), now() from generate_series(1, 20000) n;
      alter role reader set work_mem = '64kB';
      alter role reader set hash_mem_multiplier = 1;
      alter role reader set enable_nestloop = off;
      analyze;
      select pg_terminate_backend(pid) from pg_stat_activity where usename = 'reader'`);
    await under.road.run();
  });
  afterAll(async () => {
    await under.stop();
    disk.remove();
  });

  it.each(['plan', 'extract'] as const)(
    'costs a %s no dead letter, is one outage, and is exact after it',
    async (kind) => {
      const { road } = under;
      under.takeOutageEvents();
      await under.administerSource(
        `update counterparty set counterparty_legal_name = counterparty_legal_name || 'x' where counterparty_id > 1000`,
      );
      if (kind === 'extract') {
        await road.stop('extract');
        await road.plan();
      }
      await disk.fill();
      if (kind === 'plan') {
        await expect(road.plan()).rejects.toThrow('53100');
        // Whatever else the source is asked meanwhile, only a plan shows that there is room for it again.
        await expect(road.plan()).rejects.toThrow('53100');
      } else {
        road.start('extract');
      }
      const begun: string[] = [];
      await seen(() => {
        begun.push(...under.takeOutageEvents());
        return begun.length > 0;
      });
      expect(begun).toEqual(['source Outage Began']);
      await disk.makeRoom();
      await road.plan();
      await road.settle('load', 90);
      expect(await road.deadLetters()).toEqual([]);
      expect(under.takeOutageEvents()).toEqual(['source Outage Ended']);
      expect(await under.differences()).toEqual([]);
    },
    3 * minutes,
  );
});

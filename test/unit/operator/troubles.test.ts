import { describe, expect, it } from '@jest/globals';
import type { Failure } from '../../../cli/failures/list-failures.ts';
import type { Evidence } from '../../../cli/status/evidence/evidence.ts';
import type { ObjectsEvidence } from '../../../cli/status/evidence/read-objects.ts';
import { findTroubles, type TroubleContext } from '../../../cli/status/troubles/find-troubles.ts';
import { describeWait, groupWaits } from '../../../cli/waiting/explain-waits.ts';
import { nothingRemoved } from '../../../shared/records/forgotten.ts';
import { totesys } from '../../helpers/models/totesys.ts';

const now = new Date('2026-11-30T22:00:00.000Z');
const answered = <T>(value: T) => ({ answered: true, value }) as const;
const silent = (reason: string, isLocked = false) => ({ answered: false, reason, isLocked }) as const;

const objects: ObjectsEvidence = {
  plans: undefined,
  attempts: undefined,
  outages: [],
  retrying: [],
  loaded: undefined,
  verified: undefined,
  warehouse: undefined,
  forgetting: [],
  damaged: [],
  failing: new Map(),
  lastRun: undefined,
  looks: undefined,
};
const quiet = (queue: 'extract' | 'transform' | 'load', ready = 0) => ({
  queue,
  ready,
  inFlight: 0,
  oldestSeconds: null,
  deadLetters: 0,
  oldestDeadLetterSeconds: null,
});
const well: Evidence = {
  now,
  activity: { isRunning: true, pid: 4711, endedUnexpectedly: false, everySeconds: 5 },
  maxLagSeconds: 50,
  objects: answered(objects),
  queues: answered({ queues: [quiet('extract'), quiet('transform'), quiet('load')], letters: [] }),
  source: answered({ lock: undefined }),
  gap: answered(undefined),
  ledger: answered({ tables: new Map(), loadedRuns: [], rowsOfRun: new Map(), censuses: [] }),
  counts: answered({ tables: [], days: 0, views: [] }),
  dropped: answered([]),
  waits: answered({ counts: [], waiting: [], refused: [] }),
  quarantined: answered(new Map()),
};
const context: TroubleContext = {
  site: { selector: ' --data d', warehouseSchema: 'star' },
  model: totesys,
  asOf: new Map(),
  lost: new Map(),
};
const found = (evidence: Partial<Evidence>, more: Partial<TroubleContext> = {}) =>
  findTroubles({ ...well, ...evidence }, { ...context, ...more }).map(({ text, command }) => [text, command]);
const withObjects = (more: Partial<ObjectsEvidence>) => ({ objects: answered({ ...objects, ...more }) });
const asOfAll = (instant: string) =>
  new Map(totesys.tables.map(({ name }) => [name, { instant: new Date(instant), isWhole: true, open: [] }]));
const letter = (table: string, reason: string): Failure => ({
  queue: 'load',
  messageId: `m-${table}`,
  body: '',
  isMoved: false,
  isExpired: false,
  error: 'TerminalError',
  reason,
  table,
  failedAt: '2026-11-30T21:00:00.000Z',
});

describe('what needs attention', () => {
  it('is nothing where nothing is wrong', () => {
    expect(found({})).toEqual([]);
  });

  it('is a warehouse that nobody has ever loaded, unless somebody is at it', () => {
    const activity = { ...well.activity, isRunning: false, pid: undefined };
    const finding = [['nothing has been loaded yet', 'npx starlift run --data d']];
    expect(found({ activity })).toEqual(finding);
    expect(found({ activity, ledger: answered(undefined) })).toEqual(finding);
    // A stage's schedule.
    expect(found({ activity: { ...well.activity, pid: undefined } })).toEqual(finding);
    const queues = answered({ queues: [quiet('extract', 2)], letters: [] });
    expect(found({ activity: { ...well.activity, pid: undefined }, queues })).toEqual([]);
    // A source without rows has nothing to load.
    const attempts = {
      attemptedAt: '2026-11-30T21:59:00.000Z',
      succeeded: { at: '2026-11-30T21:59:00.000Z' },
    } as ObjectsEvidence['attempts'];
    expect(found({ activity, ...withObjects({ attempts }) })).toEqual([]);
  });

  it('is a stage that an operator has paused, and not what is late because of it', () => {
    const activity = { ...well.activity, pid: undefined, pausedSince: '2026-11-30T20:00:00.000Z' };
    expect(found({ activity }, { asOf: asOfAll('2026-11-30T19:59:00Z') })).toEqual([
      [
        'the stage is paused since 2026-11-30 20:00:00 UTC: it plans and loads nothing',
        'npx starlift resume --data d',
      ],
    ]);
  });

  it('is a table that was found different, until it is verified once more; a row deleted in the source is none', () => {
    const verified = (result: 'different' | 'deleted' | 'uncompared' | 'exact') => ({
      at: '2026-11-30T21:05:00.000Z',
      exact: false,
      tables: [
        { table: 'dim_staff', asOf: null, rows: 20, result },
        { table: 'dim_design', asOf: null, rows: 5, result: 'exact' as const },
      ],
    });
    expect(found(withObjects({ verified: verified('different') }))).toEqual([
      [
        'dim_staff differed from the source when last verified, at 2026-11-30 21:05:00 UTC',
        'npx starlift verify --data d',
      ],
    ]);
    for (const result of ['deleted', 'uncompared', 'exact'] as const)
      expect(found(withObjects({ verified: verified(result) }))).toEqual([]);
  });

  it('is a row whose forgetting has not ended, unless it may be under way', () => {
    const begun = (begunAt: string) =>
      withObjects({
        forgetting: [
          {
            id: '0123456789abcdef0123',
            table: 'staff',
            begunAt,
            endedAt: null,
            by: 'ann@desk',
            withFacts: false,
            removed: nothingRemoved,
          },
        ],
      });
    expect(found(begun('2026-11-30T21:30:00.000Z'))).toEqual([]);
    expect(found(begun('2026-11-30T20:30:00.000Z'))).toEqual([
      [
        'a row of staff was to be forgotten since 2026-11-30 20:30:00 UTC, by ann@desk, and may be left somewhere (0123456789abcdef): type that forget command again',
        'npx starlift forget --list --data d',
      ],
    ]);
  });

  it('is a table without a column for marks, with a statement that works under any name', () => {
    const at = '2026-11-30T21:00:00.000Z';
    const census = { table: 'fact_payment', state: 'unmarked' as const, reason: null, at };
    const ledger = answered({ tables: new Map(), loadedRuns: [], rowsOfRun: new Map(), censuses: [census] });
    const site = { selector: '', warehouseSchema: 'Star "x"' };
    expect(found({ ledger }, { site }).map(([, command]) => command)).toEqual([
      'as its owner: alter table "Star ""x"""."fact_payment" add column if not exists "_deleted_by" bigint',
    ]);
  });

  it('is a table whose deletes plans have not looked for since the capture state was made anew', () => {
    const at = '2026-11-30T21:00:00.000Z';
    const run = '20261130T210000000Z0001';
    const known = { table: 'fact_payment', state: 'applied' as const, reason: null, at };
    const toldOf = (census: object, generation: string, lastRun?: string) => {
      const lastRuns = new Map(lastRun === undefined ? [] : [['payment', lastRun]]);
      const censuses = [{ ...known, ...census }];
      const ledger = answered({ tables: new Map(), loadedRuns: [], rowsOfRun: new Map(), censuses });
      return found({ ledger, ...withObjects({ looks: { generation, lastRuns } }) });
    };
    const told = [
      [
        'deleted rows of fact_payment were not looked for since the capture state was made anew: rows that came back may still be marked',
        'npx starlift run --data d',
      ],
    ];
    // Generations are numbers, and no texts.
    const ours = { run, generation: '999' };
    expect(toldOf(ours, '1000')).toEqual(told);
    // The first look of the new state is over, and not loaded yet.
    expect(toldOf(ours, '1000', '20261130T220000000Z0001')).toEqual(told);
    // The state has kept it, as where the source failed over.
    expect(toldOf(ours, '1000', run)).toEqual([]);
    expect(toldOf(ours, '999')).toEqual([]);
    // An older release's freshness function does not name the run.
    expect(toldOf({}, '1000')).toEqual([]);
  });

  it('is a source that refuses the password: since when, how often it was tried, and when next', () => {
    const reason =
      'the source at db:5432 refuses: password authentication failed for user "reader" (SQLSTATE 28P01)';
    const attempts = {
      attemptedAt: '2026-11-30T21:59:58.000Z',
      failure: {
        error: 'RefusedError',
        reason,
        by: 'source' as const,
        since: '2026-11-30T21:51:29.000Z',
        attempts: 41,
      },
    };
    // Messages that wait for it, and tables that are late for it, are no causes of their own.
    const outages = [{ side: 'source' as const, since: '2026-11-30T21:51:30.000Z', reason }];
    const retrying = [
      {
        queue: 'extract' as const,
        table: 'staff',
        attempts: 0,
        by: 'source' as const,
        error: 'RefusedError',
        reason,
        waitingSince: '2026-11-30T21:51:30.000Z',
        triedAt: '2026-11-30T21:59:00.000Z',
        nextAt: '2026-11-30T22:04:00.000Z',
      },
    ];
    const evidence = { source: silent(reason), ...withObjects({ attempts, outages, retrying }) };
    expect(found(evidence, { asOf: asOfAll('2026-11-30T21:51:24.000Z') })).toEqual([
      [
        `the source does not answer since 2026-11-30 21:51:29 UTC, tried 41 times, next at 2026-11-30 22:00:03 UTC: ${reason}`,
        'npx starlift sql --source "select 1" --data d',
      ],
    ]);
  });

  it('is a warehouse that does not answer, once, and a lock before anything else that it says', () => {
    const lock = 'dim_staff is locked by pid 3724 since 2026-11-30 22:03:22 UTC';
    const evidence = { counts: silent('no answer in 3 s'), waits: silent(lock, true) };
    expect(found(evidence)).toEqual([
      [
        `the warehouse does not answer: ${lock}`,
        'npx starlift sql "select state, query from pg_stat_activity where pid = 3724" --data d',
      ],
    ]);
  });

  it('is a process that has the objects and the queues, and does not answer', () => {
    const evidence = { objects: silent('no answer in 3 s'), queues: silent('no answer in 3 s') };
    expect(found(evidence)).toEqual([
      [
        'the objects and queues, which process 4711 has, do not answer: no answer in 3 s',
        'ps -o pid,stat,args -p 4711',
      ],
    ]);
  });

  it('is lateness, where somebody is running and nothing else explains it', () => {
    const asOf = asOfAll('2026-11-30T21:54:00.000Z');
    expect(found({}, { asOf })).toEqual([
      [
        'the warehouse is late: as of 2026-11-30 21:54:00 UTC (6 min ago), and may be 50 s old',
        'npx starlift run --data d',
      ],
    ]);
    expect(found({ maxLagSeconds: 400 }, { asOf })).toEqual([]);
    expect(found({ maxLagSeconds: undefined }, { asOf })).toEqual([]);
  });

  it('is no lateness while an index brings the newest changes, but it is one that no look was made for a day', () => {
    const freshAsOf = (exact: string, fresh: string) =>
      new Map(
        [...asOfAll(exact)].map(([table, asOf]) => [
          table,
          { ...asOf, fresh: { instant: new Date(fresh), column: 'last_updated' } },
        ]),
      );
    const asOf = freshAsOf('2026-11-29T23:00:00.000Z', '2026-11-30T21:59:50.000Z');
    expect(found({}, { asOf })).toEqual([]);
    expect(found({}, { asOf: freshAsOf('2026-11-29T23:00:00.000Z', '2026-11-30T21:54:00.000Z') })).toEqual([
      [
        'the warehouse is late: as of 2026-11-30 21:54:00 UTC (6 min ago), and may be 50 s old',
        'npx starlift run --data d',
      ],
    ]);
    const staff = freshAsOf('2026-11-29T20:00:00.000Z', '2026-11-30T21:59:50.000Z').get('dim_staff');
    if (staff === undefined) throw new Error('there is no dim_staff');
    const old = new Map([['dim_staff', staff]]);
    expect(found({}, { asOf: old })).toEqual([
      [
        'dim_staff is exact as of 2026-11-29 20:00:00 UTC (26 h ago): what was changed since without last_updated, or was committed late, may be missing',
        'npx starlift run --exact --data d',
      ],
    ]);
  });

  it('is a clock that was set back since the last plan, because no age would be told for as long', () => {
    const attempts = { attemptedAt: '2026-12-01T22:00:00.000Z' };
    const asOf = asOfAll('2026-12-01T21:59:59.000Z');
    expect(found(withObjects({ attempts }), { asOf })).toEqual([
      [
        'the last plan is dated 2026-12-01 22:00:00 UTC, 24 h from now: a clock was set back, and how old the warehouse is cannot be told before the next plan',
        'npx starlift run --data d',
      ],
    ]);
    // Another machine's clock may be a little ahead.
    expect(found(withObjects({ attempts: { attemptedAt: '2026-11-30T22:00:50.000Z' } }))).toEqual([]);
  });

  it('is that nobody is running, where the warehouse is late for it, work is left, or the last run has died', () => {
    const nobody = { isRunning: false, pid: undefined, endedUnexpectedly: false, everySeconds: undefined };
    const asOf = asOfAll('2026-11-30T21:54:00.000Z');
    const attempts = { attemptedAt: '2026-11-30T21:55:00.000Z' };
    const evidence = { activity: nobody, maxLagSeconds: undefined, ...withObjects({ attempts }) };
    expect(found(evidence, { asOf })).toEqual([]);
    const as = 'the warehouse is as of 2026-11-30 21:54:00 UTC (6 min ago)';
    const run = 'npx starlift run --data d';
    expect(found({ ...evidence, maxLagSeconds: 60 }, { asOf })).toEqual([
      [`nobody is running since 2026-11-30 21:55:00 UTC; ${as}, and may be 60 s old`, run],
    ]);
    const queues = answered({ queues: [quiet('extract', 13)], letters: [] });
    expect(found({ ...evidence, queues }, { asOf })).toEqual([
      [`nobody is running since 2026-11-30 21:55:00 UTC, and 13 messages are on the queues; ${as}`, run],
    ]);
    const died = { ...nobody, pid: 99, endedUnexpectedly: true };
    expect(found({ ...evidence, activity: died }, { asOf })).toEqual([
      [`nobody is running since 2026-11-30 21:55:00 UTC: process 99 has ended unexpectedly; ${as}`, run],
    ]);
  });

  it('is a schedule that plans no more', () => {
    const schedule = { isRunning: true, pid: undefined, endedUnexpectedly: false, everySeconds: 300 };
    const attempted = (attemptedAt: string) =>
      found(
        { activity: schedule, maxLagSeconds: undefined, ...withObjects({ attempts: { attemptedAt } }) },
        { asOf: asOfAll(attemptedAt) },
      );
    expect(attempted('2026-11-30T21:46:00.000Z')).toEqual([]);
    expect(attempted('2026-11-30T21:40:00.000Z')).toEqual([
      [
        'no plan has been attempted since 2026-11-30 21:40:00 UTC, and the schedule plans every 5 min',
        'npx starlift run --data d',
      ],
    ]);
  });

  it('is one line and one command for one cause, however many messages and tables suffer from it', () => {
    const letters = totesys.tables.flatMap(({ name }) =>
      [1, 2, 3].map(() => letter(name, `permission denied for table ${name} (SQLSTATE 42501)`)),
    );
    const queues = (all: Failure[]) => answered({ queues: [quiet('load')], letters: all });
    expect(found({ queues: queues(letters) })).toEqual([
      [
        '33 messages of dim_counterparty, dim_currency, dim_date and 8 more failed in load: ' +
          'permission denied for table dim_counterparty (SQLSTATE 42501)',
        'npx starlift redrive --queue load --data d',
      ],
    ]);
    const [first] = letters;
    const other = letter('dim_staff', 'null value in column "first_name" (SQLSTATE 23502)');
    expect(found({ queues: queues(first === undefined ? [] : [first, other]) })).toHaveLength(2);
  });

  it('is what was dropped while nothing has brought its rows, with the command that brings them', () => {
    const dropped = answered([
      { table: 'payment', objects: 1, droppedAt: '2026-11-30T22:05:00.000Z' },
      { table: 'design', objects: 2, droppedAt: '2026-11-30T22:06:00.000Z' },
    ]);
    expect(found({ dropped })).toEqual([
      [
        '1 object of payment was dropped at 2026-11-30 22:05:00 UTC, and its rows are not in the warehouse',
        'npx starlift resync --table payment --data d',
      ],
      [
        '2 objects of design were dropped, the last at 2026-11-30 22:06:00 UTC, and their rows are not in the warehouse',
        'npx starlift resync --table design --data d',
      ],
    ]);
  });

  it('is a message that is retried, before it fails', () => {
    const retrying = (table: string, by?: 'lock') => ({
      queue: 'load' as const,
      table,
      attempts: by === undefined ? 2 : 0,
      ...(by !== undefined && { by }),
      error: 'TransientError',
      reason: by === undefined ? 'deadlock detected (SQLSTATE 40P01)' : `${table} is locked by pid 7`,
      waitingSince: '2026-11-30T21:50:00.000Z',
      triedAt: '2026-11-30T21:59:00.000Z',
      nextAt: '2026-11-30T22:01:00.000Z',
    });
    expect(found(withObjects({ retrying: [retrying('dim_staff'), retrying('dim_design', 'lock')] }))).toEqual(
      [
        [
          'dim_staff is retried in load, attempt 2 of 5 failed, next at 2026-11-30 22:01:00 UTC: deadlock detected (SQLSTATE 40P01)',
          'npx starlift failures --data d',
        ],
        [
          'dim_design is retried in load, waiting since 2026-11-30 21:50:00 UTC, next at 2026-11-30 22:01:00 UTC: dim_design is locked by pid 7',
          expect.stringContaining('pg_stat_activity'),
        ],
      ],
    );
  });

  it('is a lock in the source once, with the command that asks the source', () => {
    const retrying = {
      queue: 'extract' as const,
      table: 'design',
      attempts: 0,
      by: 'lock' as const,
      error: 'RefusedError',
      reason: 'design is locked by pid 7 (psql)',
      waitingSince: '2026-11-30T21:50:00.000Z',
      triedAt: '2026-11-30T21:59:00.000Z',
      nextAt: '2026-11-30T22:01:00.000Z',
    };
    const locked = [{ table: 'design', lock: 'design is locked by pid 7 (psql)', isLeftOut: true }];
    const attempts = {
      attemptedAt: now.toISOString(),
      succeeded: { at: now.toISOString(), run: 'r', failures: [], locked },
    };
    const source = answered({ lock: 'design is locked by pid 7 (psql)' });
    const asksTheSource = expect.stringMatching(
      /^npx starlift sql --source ".*pg_stat_activity.*" --data d$/,
    );
    expect(found({ source, ...withObjects({ attempts, retrying: [retrying] }) })).toEqual([
      ['design of the source has a change that waits: design is locked by pid 7 (psql)', asksTheSource],
    ]);
    // Before a plan has seen the lock, its message tells of it.
    expect(found(withObjects({ retrying: [retrying] }))).toEqual([
      [expect.stringMatching(/^design is retried in extract, waiting since /), asksTheSource],
    ]);
  });

  it('names a table that cannot be extracted once, by its dead letter', () => {
    const failing = new Map([['currency', 'gone']]);
    const queues = answered({
      queues: [],
      letters: [{ ...letter('currency', 'gone'), queue: 'extract' as const }],
    });
    expect(found({ queues, ...withObjects({ failing }) })).toEqual([
      ['currency failed in extract: gone', 'npx starlift redrive --table currency --queue extract --data d'],
    ]);
    expect(found(withObjects({ failing }))).toEqual([
      ['currency cannot be extracted: gone', 'npx starlift run --data d'],
    ]);
  });

  it('is no fact that waits for what may be under way', () => {
    const wait = {
      table: 'fact_payment',
      column: 'currency_id',
      dimension: 'dim_currency',
      rows: 1,
      mend: '',
    };
    const waiting = [
      { ...wait, key: '1', cause: 'expected' as const },
      { ...wait, key: '2', cause: 'deleted' as const },
    ];
    const waits = answered({ counts: [], waiting, refused: [] });
    expect(found({ waits })).toHaveLength(2);
    const queues = answered({ queues: [quiet('load', 1)], letters: [] });
    expect(found({ waits, queues }).map(([text]) => text)).toEqual([
      expect.stringContaining('dim_currency 2, which the source does not have'),
    ]);
  });

  it('names the first dimension rows that a fact waits for, and counts the rest', () => {
    const wait = { table: 'fact_payment', column: 'currency_id', dimension: 'dim_currency', mend: '' };
    const waits = ['1', '2', '3', '4', '5', '6', '7'].map((key) => ({
      ...wait,
      key,
      rows: 1000,
      cause: 'expected' as const,
    }));
    const [group, ...others] = groupWaits([...waits, { ...wait, key: '8', rows: 1, cause: 'deleted' }]);
    expect(group && describeWait(group)).toBe(
      '7,000 rows of fact_payment wait for dim_currency 1, 2, 3, 4, 5 and 2 more, which has not landed yet',
    );
    expect(others.map(describeWait)).toEqual([
      '1 row of fact_payment waits for dim_currency 8, which the source does not have: it can never arrive',
    ]);
  });
});

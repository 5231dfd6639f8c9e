import type { AsOf } from '../../../shared/ledger/as-of.ts';
import type { LedgerTable } from '../../../shared/ledger/schema/ledger-tables.ts';
import type { TableCount } from '../../../shared/ledger/table-counts.ts';
import type { WarehouseEvidence } from '../../../shared/records/warehouse-evidence.ts';
import type { Answer } from './ask.ts';
import { type Evidence, ifAnswered } from './evidence.ts';

/** Older evidence is none: the functions write it every few minutes. */
const freshMs = 6 * 60_000;

/**
 * Completes what a stage's databases did not answer by what the stage itself has seen of them a moment ago: they may be
 * out of reach from here, and well.
 */
export function completeByStage(evidence: Evidence): Evidence {
  const objects = ifAnswered(evidence.objects);
  const isStage = evidence.activity.isRunning && evidence.activity.pid === undefined;
  if (!isStage || objects === undefined) return evidence;
  const isFresh = (at: string | undefined) =>
    at !== undefined && evidence.now.getTime() - Date.parse(at) < freshMs;
  const completed = { ...evidence };
  const { attempts, warehouse } = objects;
  if (attempts?.failure === undefined && isFresh(attempts?.succeeded?.at)) {
    // A lock that the plan has seen is in its own record.
    completed.source = orElse(evidence.source, { lock: attempts?.succeeded?.locked[0]?.lock });
  }
  if (warehouse === undefined || !isFresh(warehouse.at)) return completed;
  const { lock } = warehouse;
  const locked = lock === null ? undefined : ({ answered: false, reason: lock, isLocked: true } as const);
  return {
    ...completed,
    seenAsOf: evidence.ledger.answered ? undefined : describeAsOf(warehouse),
    gap: orElse(evidence.gap, warehouse.gap ?? undefined),
    ledger: orElse(evidence.ledger, {
      tables: describeTables(warehouse),
      loadedRuns: [],
      rowsOfRun: undefined,
      censuses: warehouse.censuses ?? [],
    }),
    dropped: orElse(evidence.dropped, warehouse.dropped ?? []),
    counts:
      locked ??
      orElse(evidence.counts, {
        tables: describeCounts(warehouse),
        days: null,
        views: warehouse.views ?? [],
      }),
    waits:
      locked ??
      orElse(evidence.waits, {
        counts: warehouse.tables.flatMap(({ table, waiting }) =>
          waiting === 0 ? [] : [{ table, run: null, rows: waiting }],
        ),
        waiting: undefined,
        refused: [],
      }),
  };
}

const orElse = <T>(answer: Answer<T>, value: T): Answer<T> =>
  answer.answered ? answer : { answered: true, value };

function describeTables({ tables }: WarehouseEvidence): Map<string, LedgerTable> {
  return new Map(
    tables.flatMap(
      ({ table, objects, versions, rows, loadedAt, firstRun, lastRun }): [string, LedgerTable][] =>
        loadedAt === null || firstRun === null || lastRun === null
          ? []
          : [[table, { objects, versions, rows, loadedAt, firstRun, lastRun }]],
    ),
  );
}

const describeCounts = ({ tables }: WarehouseEvidence): TableCount[] =>
  tables.flatMap(({ table, count }) => (count === null ? [] : [{ table, ...count }]));

const describeAsOf = ({ tables }: WarehouseEvidence): ReadonlyMap<string, AsOf> =>
  new Map(
    tables.flatMap(({ table, asOf, freshAsOf, freshBy: column }): [string, AsOf][] => {
      if (asOf === null) return [];
      const known: AsOf = { instant: new Date(asOf), isWhole: true, open: [] };
      if (freshAsOf !== undefined && column !== undefined) {
        known.fresh = { instant: new Date(freshAsOf), column };
      }
      return [[table, known]];
    }),
  );

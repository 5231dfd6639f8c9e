import { type AsOf, findAsOf } from '../../../shared/ledger/as-of.ts';
import type { LoadedRun } from '../../../shared/ledger/loaded-runs.ts';
import type { Model, WarehouseTable } from '../../../shared/model/model.ts';
import { type RunId, timeOfRun } from '../../../shared/object-store/object-key.ts';
import { type Evidence, ifAnswered } from './evidence.ts';
import type { LedgerEvidence } from './read-warehouse.ts';

/**
 * As of when each warehouse table is, as far as that is known.
 *
 * @returns by table; tables about which nothing is known are left out
 */
export function findAllAsOf(evidence: Evidence, model: Model): ReadonlyMap<string, AsOf> {
  if (evidence.seenAsOf !== undefined) return evidence.seenAsOf;
  const plans = ifAnswered(evidence.objects)?.plans;
  const ledger = ifAnswered(evidence.ledger);
  const found = new Map<string, AsOf>();
  if (plans === undefined || ledger === undefined) return found;
  const facts = { plans, loaded: knownRuns(ledger) };
  for (const table of model.tables) {
    const asOf = findAsOf(table, model, facts);
    if (asOf !== undefined) found.set(table.name, beforeFailures(asOf, table, evidence));
  }
  return found;
}

/** By the clock of its time, where the run's record is known; the time in its id is later where the clock was set back. */
export function plannedAtOf(run: RunId, { objects }: Pick<Evidence, 'objects'>): Date {
  const record = ifAnswered(objects)?.plans?.runs.find((known) => known.run === run);
  return record === undefined ? timeOfRun(run) : new Date(record.plannedAt);
}

/** That a table was loaded before the newest runs is known by its first one. */
const knownRuns = ({ loadedRuns, tables }: LedgerEvidence): LoadedRun[] => [
  ...loadedRuns,
  ...[...tables].map(([table, { firstRun }]) => ({ table, run: firstRun, slices: [] })),
];

/** A dead letter may be of a run that is older than those looked at. */
function beforeFailures(asOf: AsOf, table: WarehouseTable, evidence: Evidence): AsOf {
  const letters = ifAnswered(evidence.queues)?.letters ?? [];
  const source = table.kind === 'calendar' ? undefined : table.source.name;
  const times = letters
    .filter((letter) => letter.table !== undefined && [table.name, source].includes(letter.table))
    .flatMap(({ key }) => runOfKey(key) ?? [])
    .map((run) => plannedAtOf(run, evidence).getTime());
  const oldest = (instant: Date) => new Date(Math.min(...times, Number(instant)));
  const { fresh } = asOf;
  return {
    ...asOf,
    instant: oldest(asOf.instant),
    ...(fresh && { fresh: { ...fresh, instant: oldest(fresh.instant) } }),
  };
}

const runOfKey = (key: string | undefined): RunId | undefined =>
  /\d{8}T\d{9}Z[0-9a-f]{4}/.exec(key ?? '')?.[0];

import type { Model, WarehouseTable } from '../model/model.ts';
import type { RunId } from '../object-store/object-key.ts';
import { addEmpty } from '../records/plan/empty-slices.ts';
import type { PlanRecords } from '../records/plan/plan-records.ts';
import type { PlannedSlice, RunRecord } from '../records/plan/run-record.ts';
import { isAccountedFor, makeKnownSlices, type SliceId } from '../records/plan/slices.ts';
import type { LoadedRun } from './loaded-runs.ts';

export interface AsOfFacts {
  plans: PlanRecords;
  loaded: readonly LoadedRun[];
}

export interface AsOf {
  /** The source's commits up to here are in the warehouse table, where its first load is whole. */
  instant: Date;
  /**
   * Its newest changes are there up to here, as far as their rows say when they were changed; absent where no index is asked for
   * them. Never before the instant.
   */
  fresh?: FreshAsOf;
  /** false until all that the first load of the table consists of is there. */
  isWhole: boolean;
  /** Runs that are not fully loaded, the newest first. */
  open: RunId[];
}

export interface FreshAsOf {
  instant: Date;
  /** The column of the source that says when a row was changed. */
  column: string;
}

/**
 * Finds the instant up to which the source's commits are in a warehouse table: the last plan that looked at it, or the one
 * before the oldest run that is not loaded.
 *
 * @returns undefined if it is unknown: the table cannot be extracted, and nothing of it is loaded
 */
export function findAsOf(table: WarehouseTable, model: Model, facts: AsOfFacts): AsOf | undefined {
  // The calendar is made of what the facts name.
  if (table.kind === 'calendar') {
    const factTables = model.tables.filter(({ kind }) => kind === 'fact');
    return earliestOf(factTables.map((fact) => findAsOf(fact, model, facts)));
  }
  const { failing, runs, bases, plannedAt, dropped, empty } = facts.plans;
  const source = table.source.name;
  const loadedRuns = facts.loaded.filter((each) => each.table === table.name);
  const loaded = makeKnownSlices();
  for (const { run, slices } of loadedRuns)
    for (const slice of slices) loaded.add(table.name, { run, slice });
  // What was discarded has ended, as far as time is concerned: that its rows are missing is a finding of its own.
  for (const key of dropped)
    if (key.table === (key.zone === 'ingested' ? source : table.name)) loaded.add(table.name, key);
  const withoutNews = empty.filter((slice) => slice.table === source);
  addEmpty(loaded, table.name, withoutNews);
  const isLoaded = (run: RunId, slice: SliceId) => isAccountedFor(loaded, table.name, { run, slice });
  const open = openRuns(runs, source, isLoaded, isLook);
  const instants = open.map((record) => new Date(sinceOf(record, source) ?? record.plannedAt));
  const result = (from: Date): AsOf => {
    const instant = new Date(Math.min(...[from, ...instants].map(Number)));
    const fresh = findFresh(source, instant, { plans: facts.plans, isLoaded });
    return {
      instant,
      ...(fresh && { fresh }),
      isWhole: isWhole(open.at(-1), source, loadedRuns),
      open: open.map(({ run }) => run),
    };
  };
  if (!failing.has(source)) return result(bases.get(source) ?? plannedAt);
  const loadedIds = new Set(loadedRuns.map(({ run }) => run));
  const newest = runs.findLast(({ run }) => loadedIds.has(run));
  return newest && result(new Date(newest.plannedAt));
}

type IsLoaded = (run: RunId, slice: SliceId) => boolean;

/** Which of a run's slices of a table are counted on; of several choices, any will do. */
type Counted = (slices: PlannedSlice[]) => PlannedSlice[][];

const looksOf = (slices: readonly PlannedSlice[]): PlannedSlice[] => slices.filter(({ byIndex }) => !byIndex);

/** What is read by an index ends no look at the table. */
const isLook: Counted = (slices) => [looksOf(slices)];

const isNewest: Counted = (slices) => [slices.filter(({ byIndex }) => byIndex), looksOf(slices)];

/** The runs whose rows of a table are not all loaded, since the last full extract that is; the newest first. */
function openRuns(
  runs: readonly RunRecord[],
  source: string,
  isLoaded: IsLoaded,
  counted: Counted,
): RunRecord[] {
  const open: RunRecord[] = [];
  for (const record of runs.toReversed()) {
    const slices = record.slices.filter(({ table }) => table === source);
    const choices = counted(slices).filter(({ length }) => length > 0);
    if (choices.length === 0) continue;
    const isDone = choices.some((choice) => choice.every(({ slice }) => isLoaded(record.run, slice)));
    if (!isDone) open.push(record);
    const isFailure = record.failures.some(({ table }) => table === source);
    if (isDone && !isFailure && slices.every(({ full }) => full)) break;
  }
  return open;
}

/**
 * Up to when the newest changes are there: the last plan that has asked the index, or the one before the oldest that has found
 * something by it that is not loaded. What the whole table is as of makes up for all before.
 */
function findFresh(
  source: string,
  exact: Date,
  { plans, isLoaded }: { plans: PlanRecords; isLoaded: IsLoaded },
): FreshAsOf | undefined {
  const read = plans.byIndex?.get(source);
  if (read === undefined) return undefined;
  const later = plans.runs.filter(({ plannedAt }) => Date.parse(plannedAt) > exact.getTime());
  const instants = openRuns(later, source, isLoaded, isNewest).map((record) =>
    Date.parse(freshSinceOf(record, source) ?? ''),
  );
  const instant = Math.min(read.at.getTime(), ...instants.map((at) => at || exact.getTime()));
  return { instant: new Date(Math.max(instant, exact.getTime())), column: read.column };
}

const freshSinceOf = ({ slices }: RunRecord, source: string): string | undefined =>
  slices.find(({ table }) => table === source)?.freshSince;

/**
 * When the plan before this one looked at the table, or when this one did, where the clock was set back in between: an
 * instant of the other clock would make the table look young for as long as the clock was set back.
 */
function sinceOf({ slices, since: ofRun, plannedAt }: RunRecord, source: string): string | undefined {
  const since = slices.find(({ table }) => table === source)?.since ?? ofRun;
  return since !== undefined && Date.parse(since) > Date.parse(plannedAt) ? plannedAt : since;
}

/** A full extract that nothing of the table was loaded before is its first load. */
function isWhole(oldestOpen: RunRecord | undefined, source: string, loaded: readonly LoadedRun[]): boolean {
  if (oldestOpen === undefined) return true;
  const isFull = oldestOpen.slices.some(({ table, full }) => table === source && full);
  return !isFull || loaded.some(({ run }) => run < oldestOpen.run);
}

function earliestOf(all: readonly (AsOf | undefined)[]): AsOf | undefined {
  const known = all.flatMap((each) => each ?? []);
  if (all.length === 0 || known.length < all.length) return undefined;
  const [byIndex] = known.flatMap(({ fresh }) => fresh ?? []);
  return {
    instant: earliest(known.map(({ instant }) => instant)),
    ...(byIndex && {
      fresh: {
        ...byIndex,
        instant: earliest(known.map(({ instant, fresh }) => fresh?.instant ?? instant)),
      },
    }),
    isWhole: known.every((each) => each.isWhole),
    open: [...new Set(known.flatMap(({ open }) => open))].toSorted().toReversed(),
  };
}

const earliest = (instants: readonly Date[]): Date => new Date(Math.min(...instants.map(Number)));

import type { Model, WarehouseTable } from '../model/model.ts';
import type { RunId } from '../object-store/object-key.ts';
import { addEmpty } from '../records/plan/empty-slices.ts';
import type { PlanRecords } from '../records/plan/plan-records.ts';
import type { RunRecord } from '../records/plan/run-record.ts';
import { isAccountedFor, makeKnownSlices, type SliceId } from '../records/plan/slices.ts';
import type { LoadedRun } from './loaded-runs.ts';

export interface AsOfFacts {
  plans: PlanRecords;
  loaded: readonly LoadedRun[];
}

export interface AsOf {
  /** The source's commits up to here are in the warehouse table, where its first load is whole. */
  instant: Date;
  /** false until all that the first load of the table consists of is there. */
  isWhole: boolean;
  /** Runs that are not fully loaded, the newest first. */
  open: RunId[];
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
  const open = openRuns(runs, source, (run, slice) => isAccountedFor(loaded, table.name, { run, slice }));
  const instants = open.map((record) => new Date(sinceOf(record, source) ?? record.plannedAt));
  const result = (from: Date): AsOf => ({
    instant: new Date(Math.min(...[from, ...instants].map(Number))),
    isWhole: isWhole(open.at(-1), source, loadedRuns),
    open: open.map(({ run }) => run),
  });
  if (!failing.has(source)) return result(bases.get(source) ?? plannedAt);
  const loadedIds = new Set(loadedRuns.map(({ run }) => run));
  const newest = runs.findLast(({ run }) => loadedIds.has(run));
  return newest && result(new Date(newest.plannedAt));
}

/** The runs whose rows of a table are not all loaded, since the last full extract that is; the newest first. */
function openRuns(
  runs: readonly RunRecord[],
  source: string,
  isSliceLoaded: (run: RunId, slice: SliceId) => boolean,
): RunRecord[] {
  const open: RunRecord[] = [];
  for (const record of runs.toReversed()) {
    const slices = record.slices.filter(({ table }) => table === source);
    if (slices.length === 0) continue;
    const isLoaded = slices.every(({ slice }) => isSliceLoaded(record.run, slice));
    if (!isLoaded) open.push(record);
    const isFailure = record.failures.some(({ table }) => table === source);
    if (isLoaded && !isFailure && slices.every(({ full }) => full)) break;
  }
  return open;
}

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
  return {
    instant: new Date(Math.min(...known.map(({ instant }) => Number(instant)))),
    isWhole: known.every((each) => each.isWhole),
    open: [...new Set(known.flatMap(({ open }) => open))].toSorted().toReversed(),
  };
}

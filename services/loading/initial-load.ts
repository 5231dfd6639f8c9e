import type pg from 'pg';
import type { RunId } from '../../shared/object-store/object-key.ts';
import type { Fact } from '../../shared/star-schema/assemble.ts';
import { type BuildDeps, buildKeys } from './build-keys.ts';
import { isSliceLoaded } from './is-slice-loaded.ts';
import type { RunRecord } from './plan-records.ts';
import { claimInitialLoad, selectInitialLoad, selectLoaded } from './sql/initial-load.ts';

// A fact's first rows, all of one run that takes its table in full, are loaded while it has no keys: to keep two indexes
// at every row costs two thirds of a load, to build them afterwards a tenth. What the keys are there for is done when
// they are built, and whatever is not of that run has them built before it is loaded. To build them too early is slower
// and nothing else.

export interface InitialLoadDeps extends BuildDeps {
  /** What was planned for a run. Without it every fact has its keys from its first row on. */
  readRun?(run: RunId): Promise<RunRecord | undefined>;
  /** So many rows have their keys built without the others. */
  maxKeylessRows?: number;
}

/** Keys are built in 0.8 s a million rows on two slow cores, and a load may take 240 s. */
const defaultMaxKeylessRows = 20_000_000;

/**
 * Called before an object of a fact is loaded.
 *
 * @param run of the object; undefined for a replay, which is of no initial load
 * @returns whether the object is of the fact's initial load; where it is not, the fact has its keys
 */
export async function joinInitialLoad(
  fact: Fact,
  run: RunId | undefined,
  deps: InitialLoadDeps,
): Promise<boolean> {
  const { database, readRun } = deps;
  const select = (client: pg.ClientBase) => selectInitialLoad(client, fact.name);
  let initial = await database.withClient(select);
  if (initial?.run === null && run !== undefined && takesInFull(await readRun?.(run), fact)) {
    initial = await database.withClient(async (client) => {
      await claimInitialLoad(client, fact.name, run);
      return select(client);
    });
  }
  if (initial === undefined || (run !== undefined && initial.run === run)) return initial !== undefined;
  await database.withClient((client) => buildKeys(client, fact, deps));
  return false;
}

/** Called when an object of a fact has been committed, by whomever: builds the keys after the initial load's last one. */
export async function endIfComplete(fact: Fact, run: RunId, deps: InitialLoadDeps): Promise<void> {
  const { database, readRun, maxKeylessRows = defaultMaxKeylessRows } = deps;
  const initial = await database.withClient((client) => selectInitialLoad(client, fact.name));
  if (initial?.run !== run) return;
  const record = await readRun?.(run);
  await database.withClient(async (client) => {
    const { slices, rows } = await selectLoaded(client, fact.name, run);
    const loaded = new Set(slices);
    const isComplete = slicesOf(record, fact).every(({ slice }) => isSliceLoaded(slice, loaded));
    if (isComplete || rows >= maxKeylessRows) await buildKeys(client, fact, deps);
  });
}

const slicesOf = (record: RunRecord | undefined, fact: Fact) =>
  record?.slices.filter(({ table }) => table === fact.source.name) ?? [];

function takesInFull(record: RunRecord | undefined, fact: Fact): boolean {
  const slices = slicesOf(record, fact);
  return slices.length > 0 && slices.every(({ full }) => full);
}

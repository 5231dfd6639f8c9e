import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type pg from 'pg';
import { mapInGroups } from '../../../shared/in-groups.ts';
import { ledgerTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import type { Model } from '../../../shared/model/model.ts';
import {
  captureStateKey,
  formatSlicePrefix,
  parseKnownKey,
  parseObjectKey,
  runFolder,
  timeOfRun,
} from '../../../shared/object-store/object-key.ts';
import { hasAny, type ObjectStore } from '../../../shared/object-store/object-store.ts';
import { parseObjectCreated } from '../../../shared/queue/object-created.ts';
import { queueKinds } from '../../../shared/queue/queue-settings.ts';
import { listDropped } from '../../../shared/records/dropped.ts';
import type { CaptureState } from '../../../shared/records/plan/capture-state.ts';
import { findEmptySlices } from '../../../shared/records/plan/empty-slices.ts';
import type { PlannedSlice, RunRecord } from '../../../shared/records/plan/run-record.ts';
import {
  type FollowedSlice,
  halvesOf,
  type KnownSlices,
  makeKnownSlices,
} from '../../../shared/records/plan/slices.ts';
import { type DeadLetter, sliceOf } from '../dead-letter.ts';
import { hasLedger, tablesOf } from '../ledger.ts';
import type { Site } from '../site.ts';

export interface FollowDeps {
  site: Pick<Site, 'ingested' | 'sqs' | 'deadLetterUrl'>;
  /** What has failed for good, and has not been sent again. */
  listFailed(): Promise<readonly Pick<DeadLetter, 'queue' | 'body' | 'key'>[]>;
  warehouse: pg.ClientBase;
  model: Model;
}

/** Slices on their way. Done is known by the ledger and the dead letters; queues count only approximately. */
export interface FollowedSlices {
  /** Looks into the ledger, and gives the slices that are left. */
  look(): Promise<readonly FollowedSlice[]>;
  /** The same, and also asks which have failed for good, which costs more. */
  lookForFailures(): Promise<readonly FollowedSlice[]>;
}

export function followSlices(slices: readonly FollowedSlice[], deps: FollowDeps): FollowedSlices {
  const { site, listFailed, warehouse, model } = deps;
  let left = [...slices];
  let failed = makeKnownSlices();
  const look = async () => {
    if (left.length === 0) return left;
    const loaded = await readLoaded(warehouse, left);
    const ingested = await listIngested(site.ingested, left, model);
    const empty = await findEmptySlices(site.ingested, left);
    left = left.filter((slice) => !isAccounted(slice, { loaded, ingested, failed, empty }, model));
    return left;
  };
  return {
    look,
    lookForFailures: async () => {
      if (left.length > 0) {
        failed = findFailedSlices((await hasFailures(site)) ? await listFailed() : []);
        // Nothing brings what an operator has discarded meanwhile.
        for (const text of await listDropped(site.ingested)) {
          const key = parseKnownKey(text);
          if (key !== undefined) failed.add(key.table, key);
        }
      }
      return look();
    },
  };
}

async function readLoaded(warehouse: pg.ClientBase, slices: readonly FollowedSlice[]): Promise<KnownSlices> {
  const loaded = makeKnownSlices();
  if (!(await hasLedger(warehouse))) return loaded;
  const { rows } = await warehouse.query<FollowedSlice>(
    `select warehouse_table as table, run, slice from ${ledgerTable} where run = any($1)`,
    [[...new Set(slices.map(({ run }) => run))]],
  );
  for (const { table, ...slice } of rows) loaded.add(table, slice);
  return loaded;
}

/** For tables that end in the ingested zone and are not in the ledger; a slice that was cut has its halves there. */
async function listIngested(
  store: Pick<Site['ingested'], 'list'>,
  slices: readonly FollowedSlice[],
  model: Model,
): Promise<KnownSlices> {
  const ingested = makeKnownSlices();
  for (const { table, run, slice } of slices) {
    if (model.sources.find(({ name }) => name === table)?.feeds.length !== 0) continue;
    for await (const { key } of store.list(formatSlicePrefix({ table, run, slice }))) {
      ingested.add(table, parseObjectKey(key));
    }
  }
  return ingested;
}

export interface SliceFacts {
  /** By warehouse table: the ledger has an object of the slice. */
  loaded: KnownSlices;
  /** By source table: the object is there. Asked only of tables that end in the ingested zone. */
  ingested: KnownSlices;
  /** By source table for an extract or a transform, by warehouse table for a load: it is a dead letter. */
  failed: KnownSlices;
  /** By source table: nothing was new in it. */
  empty: KnownSlices;
}

/**
 * Whether nothing of a slice is left to do: each of its objects is loaded, or has failed for good, or its table has left the
 * model. A slice that was too large is its two halves.
 */
export function isAccounted(
  slice: FollowedSlice,
  facts: SliceFacts,
  model: Pick<Model, 'sources' | 'table' | 'calendar'>,
): boolean {
  const { loaded, ingested, failed, empty } = facts;
  if (!model.sources.some(({ name }) => name === slice.table)) return true;
  if (failed.has(slice.table, slice) || empty.has(slice.table, slice)) return true;
  const tables =
    slice.census === true
      ? (model.sources.find(({ name }) => name === slice.table)?.feeds ?? [])
      : tablesOf(slice.table, model);
  const isThrough =
    tables.length === 0
      ? ingested.has(slice.table, slice)
      : tables.every((table) => loaded.has(table, slice) || failed.has(table, slice));
  if (isThrough) return true;
  if (![loaded, ingested, failed, empty].some((known) => known.hasPart(slice))) return false;
  return halvesOf(slice.slice).every((half) => isAccounted({ ...slice, slice: half }, facts, model));
}

/** Whether there may be any: reading dead letters means receiving them, so it is avoided. */
async function hasFailures({ ingested, sqs, deadLetterUrl }: FollowDeps['site']): Promise<boolean> {
  if (await hasAny(ingested, 'failed/')) return true;
  const counts = await Promise.all(
    queueKinds.map(async (kind) => {
      const { Attributes } = await sqs.send(
        new GetQueueAttributesCommand({
          QueueUrl: deadLetterUrl(kind),
          AttributeNames: ['ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'],
        }),
      );
      return Object.values(Attributes ?? {}).some((count) => Number(count) > 0);
    }),
  );
  return counts.includes(true);
}

/** The slices that dead letters are about: of the extract queue their messages, of the others the objects. */
export function findFailedSlices(
  letters: readonly Pick<DeadLetter, 'queue' | 'body' | 'key'>[],
): KnownSlices {
  const failed = makeKnownSlices();
  for (const { queue, body, key } of letters) {
    const slice = queue === 'extract' ? sliceOf(body) : undefined;
    if (slice !== undefined) failed.add(slice.table, slice);
    for (const text of queue === 'extract' ? [] : keysOf(body, key)) {
      const object = parseKnownKey(text);
      if (object !== undefined) failed.add(object.table, object);
    }
  }
  return failed;
}

/** A handler names the object that failed; where it died on every attempt, the message itself has to. */
function keysOf(body: string, key: string | undefined): string[] {
  if (key !== undefined) return [key];
  try {
    return parseObjectCreated(body).map((object) => object.key);
  } catch {
    // A body that cannot be parsed is the reason why it is a dead letter.
    return [];
  }
}

/** Runs older than this are left to `starlift status`. */
const lookedBackMs = 3_600_000;
const concurrentReads = 16;

/** What is followed of a run. */
interface FollowedRun extends Pick<RunRecord, 'run' | 'generation'> {
  slices: readonly Pick<PlannedSlice, 'slice' | 'table'>[];
}

/**
 * The slices of a run, and of those that the schedule has planned within the hour before it: what they found is no
 * longer new to this run, and may still be on its way. A run of an earlier generation is left out, because all of it
 * was planned again.
 */
export async function listFollowedSlices(
  ingested: Pick<ObjectStore, 'list' | 'get'>,
  planned: FollowedRun,
): Promise<FollowedSlice[]> {
  const keys: string[] = [];
  // From its own time, and not from now: after a clock was set back, ids are ahead of it.
  const plannedAt = timeOfRun(planned.run);
  for (const hour of [lookedBackMs, 0]) {
    for await (const { key } of ingested.list(`${runFolder}${timeText(plannedAt, hour).slice(0, 11)}`)) {
      const run = key.slice(runFolder.length);
      if (run < planned.run && run > timeText(plannedAt, lookedBackMs)) keys.push(key);
    }
  }
  const slices = slicesOf(planned);
  const records = await mapInGroups(keys, concurrentReads, (key) => readRecord<RunRecord>(ingested, key));
  return [
    ...slices,
    ...records.filter(({ generation }) => generation === planned.generation).flatMap(slicesOf),
  ];
}

/** As the time in a run's id is written. */
const timeText = (plannedAt: Date, backMs: number): string =>
  new Date(plannedAt.getTime() - backMs).toISOString().replaceAll(/[-:.]/g, '');

const slicesOf = ({ run, slices }: Partial<Pick<FollowedRun, 'run' | 'slices'>>): FollowedSlice[] =>
  run === undefined ? [] : (slices ?? []).map(({ slice, table }) => ({ run, slice, table }));

/** The generation that the source is captured in now; '0' where there is no state. */
export async function readGeneration(ingested: Pick<ObjectStore, 'get'>): Promise<bigint> {
  const { generation } = await readRecord<CaptureState>(ingested, captureStateKey);
  return /^\d+$/.test(String(generation)) ? BigInt(String(generation)) : 0n;
}

/** @returns an empty record if there is none */
async function readRecord<Content>(
  ingested: Pick<ObjectStore, 'get'>,
  key: string,
): Promise<Partial<Content>> {
  const object = await ingested.get(key);
  return JSON.parse(Buffer.from(object?.body ?? Buffer.from('{}')).toString()) as Partial<Content>;
}

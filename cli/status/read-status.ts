import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import type { AsOf } from '../../shared/ledger/as-of.ts';
import { canReadAll } from '../../shared/ledger/can-read-all.ts';
import { countWaiting } from '../../shared/ledger/count-waiting.ts';
import { type DroppedRows, findDroppedRows } from '../../shared/ledger/dropped-rows.ts';
import type { Model } from '../../shared/model/model.ts';
import { droppedFolder } from '../../shared/object-store/object-key.ts';
import { hasAny } from '../../shared/object-store/object-store.ts';
import { tablesIn } from '../../shared/postgres/lock-holder.ts';
import type { VerifiedResult } from '../../shared/records/verified.ts';
import { withClient } from '../database/with-client.ts';
import type { Failure } from '../failures/list-failures.ts';
import { countGone } from '../quarantine/gone-rows.ts';
import { countQuarantined } from '../quarantine/list-quarantine.ts';
import { hasLedger } from '../site/ledger.ts';
import type { Site } from '../site/site.ts';
import { readWaiting } from '../waiting/explain-waits.ts';
import { readRefused } from '../waiting/refused-rows.ts';
import { parseWaitingSelection } from '../waiting/waiting-rows.ts';
import { describeLooks } from './describe-looks.ts';
import { describeReads } from './describe-reads.ts';
import { describeTables } from './describe-tables.ts';
import { type Answer, askPart, type Lockable } from './evidence/ask.ts';
import { type Evidence, ifAnswered, isBusy, isLoaded, type WaitsEvidence } from './evidence/evidence.ts';
import { findAllAsOf } from './evidence/find-as-of.ts';
import { type ObjectsEvidence, readObjects } from './evidence/read-objects.ts';
import { readQueues } from './evidence/read-queues.ts';
import { readSource } from './evidence/read-source.ts';
import { readCounts, readGap, readLedger } from './evidence/read-warehouse.ts';
import { countRowsInFlight } from './evidence/rows-in-flight.ts';
import { completeByStage } from './evidence/seen-by-stage.ts';
import { findLostRuns } from './lost-runs.ts';
import type { DeadLetterStatus, RunStatus, Status, VerifiedStatus } from './status.ts';
import { findTroubles } from './troubles/find-troubles.ts';
import { maxLagOf } from './troubles/lateness.ts';

export interface StatusOptions {
  now?: Date;
  /** How old the warehouse may be; undefined where nobody has said so. */
  maxLagSeconds?: number | undefined;
}

/**
 * Reads the state of the whole site. Each part is asked on its own, side by side: what does not answer is a trouble, and
 * all the rest is there.
 */
export async function readStatus(site: Site, options: StatusOptions = {}): Promise<Status> {
  const now = options.now ?? new Date();
  const gathered = await gather(site, site.model, { now, maxLagSeconds: options.maxLagSeconds });
  const evidence = completeByStage(gathered);
  const asOf = findAllAsOf(evidence, site.model);
  const lost = await findLostRuns(site, evidence, { model: site.model, asOf });
  const inFlight = await countInFlight(site, evidence, asOf);
  const troubles = findTroubles(evidence, { site, model: site.model, asOf, lost });
  return describe(evidence, { model: site.model, asOf, inFlight, troubles });
}

async function gather(
  site: Site,
  model: Model,
  { now, maxLagSeconds }: { now: Date; maxLagSeconds: number | undefined },
): Promise<Evidence> {
  const schema = site.warehouseSchema;
  const warehouse: Lockable = {
    side: 'warehouse',
    tables: tablesIn(
      schema,
      model.tables.map(({ name }) => name),
    ),
  };
  const source: Lockable = {
    side: 'source',
    tables: model.sources.map(({ schema: own = 'public', table, name }) => ({ schema: own, table, name })),
  };
  const askWarehouse = <T>(work: (client: pg.Client) => Promise<T>): Promise<Answer<T>> =>
    askPart(site, (watched) => withClient(watched.connectWarehouse(), work), warehouse);
  const objects = askPart(site, ({ ingested }) => readObjects(ingested, now));
  const failing = async () => {
    const known = await Promise.race([objects, delay(failingWithinMs, undefined, { ref: false })]);
    return known?.answered === true ? known.value.failing.keys() : [];
  };
  const { activity } = site;
  const quarantined = askPart(site, (watched) => countQuarantined(watched, model), warehouse);
  const answers = {
    objects,
    queues: askPart(site, (watched) => readQueues(watched, now)),
    source: askPart(
      site,
      async ({ connectSource }) =>
        connectSource === undefined
          ? { lock: undefined }
          : withClient(connectSource(), (client) => readSource(client, source.tables)),
      source,
    ),
    ledger: askWarehouse((client) => readLedger(client, model)),
    gap: askWarehouse((client) => readGap(client, site.ingested)),
    counts: askWarehouse(async (client) =>
      (await hasLedger(client))
        ? readCounts(client, { model, schema })
        : { tables: [], days: null, views: [] },
    ),
    dropped: askPart(site, (watched) => readDroppedRows(watched, model), warehouse),
    waits: askPart(site, async (watched) => readWaits(watched, model, await failing()), warehouse),
    quarantined,
    stoppedParts:
      site.listStoppedParts &&
      askPart(site, async ({ listStoppedParts }) => (await listStoppedParts?.()) ?? []),
    gone: quarantined.then((counted) =>
      counted.answered && counted.value.size > 0
        ? askPart(site, (watched) => countGone(watched, model), source)
        : undefined,
    ),
  };
  return {
    now,
    activity,
    maxLagSeconds: maxLagOf(maxLagSeconds, activity),
    objects: await answers.objects,
    queues: await answers.queues,
    source: await answers.source,
    gap: await answers.gap,
    ledger: await answers.ledger,
    counts: await answers.counts,
    dropped: await answers.dropped,
    waits: await answers.waits,
    quarantined: await answers.quarantined,
    gone: await answers.gone,
    stoppedParts: await answers.stoppedParts,
  };
}

/** Which tables fail is of use for the cause of a wait, and not worth waiting for. */
const failingWithinMs = 1000;

/** Most sites have no mark, and need no connection for it. */
async function readDroppedRows({ ingested, connectWarehouse }: Site, model: Model): Promise<DroppedRows[]> {
  if (!(await hasAny(ingested, droppedFolder))) return [];
  return withClient(connectWarehouse(), async (client) =>
    (await hasLedger(client)) ? findDroppedRows(client, ingested, model) : [],
  );
}

async function readWaits(site: Site, model: Model, failing: Iterable<string>): Promise<WaitsEvidence> {
  const { warehouseSchema: schema } = site;
  const selection = parseWaitingSelection(undefined, model);
  const counts = await withClient(site.connectWarehouse(), async (client) =>
    (await canReadAll(client, model, schema)) ? countWaiting(client, model, schema) : [],
  );
  return {
    counts,
    waiting: await readWaiting(site, model, selection, failing),
    refused: await readRefused(site, model, selection),
  };
}

/** With nothing on the queues and nothing open nothing is under way, and the buckets need not be searched. */
async function countInFlight(
  site: Site,
  evidence: Evidence,
  asOf: ReadonlyMap<string, AsOf>,
): Promise<ReadonlyMap<string, number> | undefined> {
  const isOpen = [...asOf.values()].some(({ open }) => open.length > 0);
  if (ifAnswered(evidence.ledger) === undefined || (!isBusy(evidence) && !isOpen)) return new Map();
  const letters = ifAnswered(evidence.queues)?.letters ?? [];
  const deadKeys = new Set(letters.flatMap(({ key }) => key ?? []));
  const { now } = evidence;
  const counted = await askPart(site, ({ connectWarehouse }) =>
    withClient(connectWarehouse(), (client) =>
      countRowsInFlight(site, client, site.model, { deadKeys, now }),
    ),
  );
  return ifAnswered(counted);
}

interface Findings {
  model: Model;
  asOf: ReadonlyMap<string, AsOf>;
  inFlight: ReadonlyMap<string, number> | undefined;
  troubles: Status['troubles'];
}

function describe(evidence: Evidence, { model, asOf, inFlight, troubles }: Findings): Status {
  const { now, activity, maxLagSeconds } = evidence;
  const objects = ifAnswered(evidence.objects);
  const queues = ifAnswered(evidence.queues);
  const ledger = ifAnswered(evidence.ledger);
  const waits = ifAnswered(evidence.waits);
  return {
    ok: troubles.length === 0,
    checkedAt: now.toISOString(),
    plannedAt: objects?.plans?.plannedAt.toISOString() ?? null,
    plan: {
      attemptedAt: objects?.attempts?.attemptedAt ?? null,
      succeededAt: objects?.attempts?.succeeded?.at ?? null,
      failure: objects?.attempts?.failure ?? null,
      looks: describeLooks(objects?.attempts?.succeeded?.looks),
    },
    running: {
      isRunning: activity.isRunning,
      pid: activity.isRunning ? (activity.pid ?? null) : null,
      everySeconds: activity.everySeconds ?? null,
    },
    reads: describeReads(objects?.plans?.reads),
    maxLagSeconds: maxLagSeconds ?? null,
    run: describeRun(objects, ledger?.rowsOfRun),
    isLoaded: isLoaded(evidence),
    areRecordsKnown: evidence.objects.answered,
    tables: ledger === undefined ? [] : describeTables(evidence, model, { asOf, inFlight }),
    queues: queues?.queues ?? [],
    deadLetters: (queues?.letters ?? []).map(describeLetter),
    dropped: ifAnswered(evidence.dropped) ?? [],
    retrying: objects?.retrying ?? [],
    outages: objects?.outages ?? [],
    waiting: waits?.waiting ?? [],
    refused: waits?.refused ?? [],
    verified: describeVerified(objects),
    troubles,
  };
}

function describeRun(
  objects: ObjectsEvidence | undefined,
  rowsOfRun: ReadonlyMap<string, number> | undefined,
): RunStatus | null {
  if (objects?.lastRun === undefined) return null;
  const { run, plannedAt, slices, warnings } = objects.lastRun;
  // Of a run that has loaded nothing the ledger has no entry.
  const loaded = rowsOfRun === undefined ? null : (rowsOfRun.get(run) ?? 0);
  return { run, plannedAt, slices, loaded, warnings };
}

const describeLetter = ({
  queue,
  messageId,
  table,
  key,
  error,
  reason,
  failedAt,
}: Failure): DeadLetterStatus => ({
  queue,
  messageId,
  table: table ?? null,
  key: key ?? null,
  error,
  reason,
  failedAt,
});

function describeVerified(objects: ObjectsEvidence | undefined): VerifiedStatus | null {
  if (objects?.verified === undefined) return null;
  const { at, exact, tables } = objects.verified;
  const namesOf = (isNamed: (result: VerifiedResult) => boolean) =>
    tables.filter(({ result }) => isNamed(result)).map(({ table }) => table);
  return {
    at,
    exact,
    inexact: namesOf((result) => result !== 'exact'),
    different: namesOf((result) => result === 'different'),
  };
}

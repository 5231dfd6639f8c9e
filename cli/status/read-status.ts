import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type pg from 'pg';
import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { ledgerTable } from '../../shared/warehouse/ledger-schema.ts';
import { type Failure, groupFailures, listFailures } from '../failures/list-failures.ts';
import { countQuarantined } from '../quarantine/list-quarantine.ts';
import { hasLedger, listMissingTables } from '../site/ledger.ts';
import type { Site } from '../site/site.ts';
import { readWaiting } from '../waiting/explain-waits.ts';
import { readRefused } from '../waiting/refused-rows.ts';
import { parseWaitingSelection } from '../waiting/waiting-rows.ts';
import { type LastRun, readPlanRecords, timeOfRun } from './read-plan.ts';
import { countRowsInFlight, readTables } from './read-tables.ts';
import type { DeadLetterStatus, QueueStatus, RunStatus, Status, TableStatus } from './status.ts';
import { listTroubles, type TroubleFacts } from './troubles.ts';

/** Reads the state of the whole site; the warehouse may still be empty. */
export async function readStatus(site: Site, now: Date = new Date()): Promise<Status> {
  const warehouse = await site.connectWarehouse();
  try {
    const plan = await readPlanRecords(site.ingested, now);
    const queues = await readQueues(site, now);
    const letters = await listFailures(site);
    const failures = groupFailures(letters, site);
    const isLoaded = await hasLedger(warehouse);
    const facts: TroubleFacts = {
      failures,
      missingTables: isLoaded ? await listMissingTables(warehouse, starSchema, site.warehouseSchema) : [],
      failing: plan.failing,
      isBusy: queues.some(({ ready, inFlight }) => ready + inFlight > 0),
      quarantined: await countQuarantined(site, starSchema),
      waiting: await readWaiting(site, starSchema, allFacts, plan.failing.keys()),
      refused: await readRefused(site, starSchema, allFacts),
    };
    const { plannedAt } = plan;
    const troubles = listTroubles(facts, site);
    return {
      ok: troubles.length === 0,
      plannedAt: plannedAt?.toISOString() ?? null,
      run: plan.lastRun === undefined ? null : await readRun(warehouse, plan.lastRun, isLoaded),
      tables: isLoaded ? await readLoadedTables(site, warehouse, { ...facts, queues, plannedAt, now }) : [],
      queues,
      deadLetters: letters.map(describeLetter),
      waiting: [...facts.waiting],
      refused: [...facts.refused],
      troubles,
    };
  } finally {
    await warehouse.end();
  }
}

const allFacts = parseWaitingSelection(undefined, starSchema);

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

interface LoadedFacts extends TroubleFacts {
  queues: readonly QueueStatus[];
  plannedAt: Date | undefined;
  now: Date;
}

async function readLoadedTables(
  site: Site,
  warehouse: pg.Client,
  { queues, ...facts }: LoadedFacts,
): Promise<TableStatus[]> {
  const depthOf = (kind: string) =>
    queues.filter(({ queue }) => queue === kind).reduce((sum, each) => sum + each.ready + each.inFlight, 0);
  const deadKeys = new Set(
    facts.failures.flatMap(({ messages }) => messages.flatMap(({ key }) => key ?? [])),
  );
  // With nothing on the queues nothing is under way, and the buckets need not be searched.
  const inFlight = facts.isBusy
    ? await countRowsInFlight(site, warehouse, starSchema, { deadKeys, now: facts.now })
    : new Map<string, number>();
  const isExtracting = depthOf('extract') > 0;
  return readTables(warehouse, starSchema, site.warehouseSchema, { ...facts, inFlight, isExtracting });
}

async function readRun(
  warehouse: pg.ClientBase,
  { run, slices, warnings }: LastRun,
  isLoaded: boolean,
): Promise<RunStatus> {
  const plannedAt = timeOfRun(run).toISOString();
  if (!isLoaded) return { run, plannedAt, slices, loaded: 0, warnings };
  const { rows } = await warehouse.query<{ loaded: number }>(
    `select coalesce(sum(rows), 0)::float8 as loaded
       from (select distinct on (warehouse_table, slice) rows
               from ${ledgerTable} where run = $1
              order by warehouse_table, slice, revision desc) as slices`,
    [run],
  );
  return { run, plannedAt, slices, loaded: rows[0]?.loaded ?? 0, warnings };
}

/** The three queues and their dead letters. On AWS the counts are approximate. */
export const readQueues = (site: Site, now: Date): Promise<QueueStatus[]> =>
  Promise.all(queueKinds.map((queue) => readQueue(site, queue, now)));

async function readQueue(site: Site, queue: QueueKind, now: Date): Promise<QueueStatus> {
  const url = site.queueUrl(queue);
  const deadUrl = site.deadLetterUrl(queue);
  const [main, dead] = [await readCounts(site, url), await readCounts(site, deadUrl)];
  return {
    queue,
    ready: main.ready,
    inFlight: main.inFlight,
    // An age from a metric is minutes old, and is reported for a queue that has become empty since.
    oldestSeconds: main.ready + main.inFlight === 0 ? null : await readAge(site, url, now),
    deadLetters: dead.ready + dead.inFlight,
    oldestDeadLetterSeconds: dead.ready + dead.inFlight === 0 ? null : await readAge(site, deadUrl, now),
  };
}

async function readCounts({ sqs }: Site, queueUrl: string) {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: queueUrl,
      AttributeNames: [
        'ApproximateNumberOfMessages',
        'ApproximateNumberOfMessagesNotVisible',
        'ApproximateNumberOfMessagesDelayed',
      ],
    }),
  );
  const ready = Number(Attributes.ApproximateNumberOfMessages ?? 0);
  const delayed = Number(Attributes.ApproximateNumberOfMessagesDelayed ?? 0);
  return {
    ready: ready + delayed,
    inFlight: Number(Attributes.ApproximateNumberOfMessagesNotVisible ?? 0),
  };
}

async function readAge({ oldestSentAt }: Site, queueUrl: string, now: Date) {
  const sentAt = await oldestSentAt(queueUrl);
  return sentAt === undefined ? null : Math.max(0, Math.round((now.getTime() - sentAt.getTime()) / 1000));
}

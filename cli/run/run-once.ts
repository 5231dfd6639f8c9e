import { setTimeout as delay } from 'node:timers/promises';
import { parseObjectKey } from '../../shared/object-store/object-key.ts';
import { parseIngestedMetadata, parseProcessedMetadata } from '../../shared/object-store/object-metadata.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { countWaiting, type WaitingRows } from '../../shared/warehouse/count-waiting.ts';
import { connect } from '../connect.ts';
import { listDeadLetters } from '../embedded/dead-letters.ts';
import { isDrained } from '../embedded/drained.ts';
import { queueNames } from '../embedded/resources.ts';
import type { DeadLetter } from '../operator/dead-letter.ts';
import { countQuarantined } from '../operator/quarantine.ts';
import { fillCalendarYears } from './fill-calendar.ts';
import { countLoaded, readClock } from './ledger.ts';
import type { Pipeline } from './pipeline.ts';
import { type LedgerCount, makeTallies, type TableTally } from './tally.ts';

/** What the plan function answers. */
interface PlannedRun {
  run: string;
  slices: { slice: string; table: string }[];
  failures: { table: string; reason: string }[];
  warnings: string[];
}

export interface RunReport {
  run: string;
  seconds: number;
  /** Nothing is dead-lettered, quarantined or waiting, from this run or an earlier one. */
  ok: boolean;
  tables: TableTally[];
  /** Slices that the plan found to hold something new. */
  slices: number;
  deadLetters: DeadLetter[];
  waiting: WaitingRows[];
  /** Rows by warehouse table, of earlier runs too. */
  quarantined: ReadonlyMap<string, number>;
  /** Tables that the plan could not read. */
  failures: PlannedRun['failures'];
  warnings: string[];
}

/** How often the warehouse and the queues are looked at, in milliseconds. */
const lookEveryMs = 25;

/**
 * Plans, and follows the work until everything new has reached the warehouse or is accounted for.
 *
 * @param onProgress gets what has been loaded so far, as it changes
 */
export async function runOnce(
  pipeline: Pipeline,
  onProgress: (counts: readonly LedgerCount[]) => void,
  signal?: AbortSignal,
): Promise<RunReport> {
  const startedAt = Date.now();
  const since = pipeline.countedUntil;
  const planned = (await pipeline.services.plan()) as PlannedRun;
  await followToTheEnd(pipeline, since, onProgress, signal);
  const ledger = await countLoaded(pipeline.warehouse, since);
  pipeline.countedUntil = await readClock(pipeline.warehouse);
  if (ledger.some(({ rows }) => rows > 0))
    await fillCalendarYears(pipeline.warehouse, pipeline.warehouseSchema);
  const deadLetters = await listDeadLetters(pipeline.stack.cloud.endpoint);
  const waiting = await countWaiting(pipeline.warehouse, starSchema, pipeline.warehouseSchema);
  const failedNow = deadLetters.filter(({ failedAt }) => Date.parse(failedAt) >= startedAt);
  const tables = makeTallies(starSchema, ledger, waiting, await countFailedRows(pipeline, failedNow));
  const quarantined = await countStillQuarantined(pipeline);
  return {
    run: planned.run,
    seconds: (Date.now() - startedAt) / 1000,
    ok:
      [deadLetters, waiting, planned.failures].every(({ length }) => length === 0) && quarantined.size === 0,
    tables,
    slices: planned.slices.length,
    deadLetters,
    waiting,
    quarantined,
    failures: planned.failures,
    warnings: planned.warnings,
  };
}

const countStillQuarantined = ({ stack, warehouseSchema }: Pipeline) =>
  countQuarantined(
    {
      processed: stack.processed,
      warehouse: () => connect(stack.warehouseUrl, 'warehouse'),
      warehouseSchema,
    },
    starSchema,
  );

async function followToTheEnd(
  { stack, warehouse }: Pipeline,
  since: string,
  onProgress: (counts: readonly LedgerCount[]) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  const urlOf = (kind: keyof typeof queueNames) => stack.cloud.queueUrl(queueNames[kind]);
  let lookedAt = 0;
  while (!signal?.aborted && !(await isDrained(stack.clients.sqs, urlOf))) {
    if (Date.now() - lookedAt > 10 * lookEveryMs) {
      onProgress(await countLoaded(warehouse, since));
      lookedAt = Date.now();
    }
    await delay(lookEveryMs);
  }
}

/** Rows of dead-lettered objects, by warehouse table. A slice that was never extracted has no rows to count. */
async function countFailedRows(
  { stack }: Pipeline,
  deadLetters: readonly DeadLetter[],
): Promise<ReadonlyMap<string, number>> {
  const failed = new Map<string, number>();
  const add = (table: string, rows: number) => failed.set(table, (failed.get(table) ?? 0) + rows);
  for (const text of new Set(deadLetters.flatMap(({ key }) => key ?? []))) {
    const key = parseKnownKey(text);
    if (key === undefined) continue;
    const object = await (key.zone === 'ingested' ? stack.ingested : stack.processed).head(text);
    if (object === undefined) continue;
    if (key.zone === 'processed') add(key.table, parseProcessedMetadata(text, object.metadata).rows);
    else {
      const { rows } = parseIngestedMetadata(text, object.metadata);
      for (const table of starSchema.sources.find(({ name }) => name === key.table)?.feeds ?? [])
        add(table, rows);
    }
  }
  return failed;
}

/** A dead letter may name anything, a key of nobody's included. */
function parseKnownKey(text: string) {
  try {
    return parseObjectKey(text);
  } catch {
    return undefined;
  }
}

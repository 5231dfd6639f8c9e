import type { PlannedRun } from '../../shared/records/run-record.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { countWaiting } from '../../shared/warehouse/count-waiting.ts';
import { connect } from '../connect.ts';
import { hasDeadLetters, listDeadLetters } from '../embedded/dead-letters.ts';
import { countMessages, isDrained } from '../embedded/drained.ts';
import type { DeadLetter } from '../operator/dead-letter.ts';
import { dataSelector } from '../operator/embedded-target.ts';
import { listFailures } from '../operator/list-failures.ts';
import { countLoaded, readClock } from './ledger.ts';
import type { Pipeline } from './pipeline.ts';
import { makeReplan } from './replan.ts';
import type { RunSite } from './run-site.ts';

/** The embedded stack as a run sees it: its queues count exactly, so that it is done when they are empty. */
export function makeEmbeddedSite(pipeline: Pipeline): RunSite {
  const { stack, services, warehouseSchema } = pipeline;
  return {
    ingested: stack.ingested,
    processed: stack.processed,
    // Another one after a reconnect.
    get warehouse() {
      return pipeline.warehouse;
    },
    warehouseSchema,
    selector: dataSelector(stack.folder.path, stack.named),
    connectWarehouse: () => connect(stack.warehouseUrl, 'warehouse'),
    plan: async () => (await services.plan()) as PlannedRun,
    isDone: async () => isDrained(stack.cloud),
    needsPlan: makeReplan(() => countMessages(stack.cloud)),
    lookEveryMs: 5,
    countLoaded: () => countLoaded(pipeline.warehouse, pipeline.countedUntil),
    endReport: async () => {
      pipeline.countedUntil = await readClock(pipeline.warehouse);
    },
    noteThrough: pipeline.noteThrough,
    countWaiting: () => countWaiting(pipeline.warehouse, starSchema, warehouseSchema),
    listDeadLetters: () =>
      listFailures({ ingested: stack.ingested, listDeadLetters: () => listTold(pipeline) }),
  };
}

/** What the queues have moved by themselves is told of at once, rather than by the next scheduled sweep. */
async function listTold({ stack, services }: Pipeline): Promise<DeadLetter[]> {
  if (!hasDeadLetters(stack.cloud)) return [];
  const { endpoint } = stack.cloud;
  const letters = await listDeadLetters(endpoint);
  const untold = new Set(letters.filter(({ isMoved }) => isMoved).map(({ queue }) => queue));
  if (untold.size === 0) return letters;
  for (const queue of untold) await services.sweep(queue);
  return listDeadLetters(endpoint);
}

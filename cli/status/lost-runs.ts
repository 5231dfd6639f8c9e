import type { AsOf } from '../../shared/ledger/as-of.ts';
import type { Model } from '../../shared/model/model.ts';
import type { RunId } from '../../shared/object-store/object-key.ts';
import type { Site } from '../site/site.ts';
import { askPart } from './evidence/ask.ts';
import { type Evidence, ifAnswered, isBusy } from './evidence/evidence.ts';
import { findAllAsOf, plannedAtOf } from './evidence/find-as-of.ts';
import { readQueues } from './evidence/read-queues.ts';
import { readLedger } from './evidence/read-warehouse.ts';

/** S3 takes seconds to tell of an object, and a stage's queues count roughly. */
const settledAfterMs = 60_000;

/**
 * Finds runs with work that is neither loaded, nor on a queue, nor known to have failed: its messages are lost.
 *
 * The parts were asked at once, so that work that was moving meanwhile looks lost. So the queues are asked once more, and
 * then the ledger: what they do not have by then was lost before.
 *
 * @returns by warehouse table
 */
export async function findLostRuns(
  site: Site,
  evidence: Evidence,
  { model, asOf }: { model: Model; asOf: ReadonlyMap<string, AsOf> },
): Promise<ReadonlyMap<string, RunId[]>> {
  if (findOpen(evidence, model, asOf).size === 0) return new Map();
  const queues = await askPart(site, (watched) => readQueues(watched, evidence.now));
  if (!queues.answered || isBusy({ queues })) return new Map();
  const ledger = await askPart(site, async (watched) => {
    const client = await watched.connectWarehouse();
    try {
      return await readLedger(client, model);
    } finally {
      client.end().catch(() => {});
    }
  });
  const again = { ...evidence, queues, ledger };
  return findOpen(again, model, findAllAsOf(again, model));
}

function findOpen(
  evidence: Evidence,
  model: Model,
  asOf: ReadonlyMap<string, AsOf>,
): ReadonlyMap<string, RunId[]> {
  const known = new Set<string | undefined>(
    (ifAnswered(evidence.queues)?.letters ?? []).map(({ table }) => table),
  );
  const objects = ifAnswered(evidence.objects);
  const found = new Map<string, RunId[]>();
  if (objects === undefined || !evidence.queues.answered || isBusy(evidence)) return found;
  for (const { table } of objects.retrying) known.add(table);
  for (const table of objects.failing.keys()) known.add(table);
  for (const table of model.tables) {
    // The calendar is open where a fact is.
    if (table.kind === 'calendar' || known.has(table.name) || known.has(table.source.name)) continue;
    // A run that was planned in the future was planned before the clock was set back.
    const open = (asOf.get(table.name)?.open ?? []).filter(
      (run) => Math.abs(evidence.now.getTime() - plannedAtOf(run, evidence).getTime()) > settledAfterMs,
    );
    if (open.length > 0) found.set(table.name, open);
  }
  return found;
}

import type pg from 'pg';
import { buckets } from '../../../cli/embedded/resources.ts';
import type { DeadLetter } from '../../../cli/site/dead-letter.ts';
import { inspectDeadLetters, inspectQueue } from '../../../cli/site/embedded/embedded-queues.ts';
import type { Site } from '../../../cli/site/site.ts';
import { readStatus } from '../../../cli/status/read-status.ts';
import { isClean } from '../../../cli/verify/report.ts';
import { verifyWarehouse } from '../../../cli/verify/verify-warehouse.ts';
import type { AwsClients } from '../../../shared/aws-clients.ts';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { deadLetterQueueName, type QueueKind } from '../../../shared/queue/queue-settings.ts';
import { connect } from '../../helpers/inline-road/databases.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import {
  type AskedStatus,
  type Judgement,
  judge,
  makeDifferenceError,
} from '../../helpers/never-silently-wrong.ts';

/** The parts of a road in this process that `status` looks at. */
export interface RoadParts {
  clients: AwsClients;
  queueUrl(kind: QueueKind): string;
  sourceUrl: string;
  warehouseUrl: string;
}

/** The site that `status` would open for a road in this process. */
export function makeSiteOf({ clients, queueUrl, sourceUrl, warehouseUrl }: RoadParts): Site {
  const { origin } = new URL(queueUrl('load'));
  const deadLetterUrl = (kind: QueueKind) => deadLetterQueueName(queueUrl(kind));
  return {
    model: totesys,
    sqs: clients.sqs,
    ingested: makeObjectStore(clients.s3, buckets.ingested),
    processed: makeObjectStore(clients.s3, buckets.processed),
    queueUrl,
    deadLetterUrl,
    connectWarehouse: () => connect(warehouseUrl),
    warehouseSchema: 'public',
    connectSource: () => connect(sourceUrl),
    listDeadLetters: (): Promise<DeadLetter[]> => inspectDeadLetters(origin, deadLetterUrl),
    receiveWaitSeconds: 0,
    quietSeconds: 0,
    oldestSentAt: async (url) => (await inspectQueue(origin, url)).map(({ sentAt }) => sentAt).sort()[0],
    selector: '',
    takenBy: '',
    // Nothing plans by itself, and nothing was killed: lateness is no finding.
    activity: { isRunning: false, pid: undefined, endedUnexpectedly: false, everySeconds: undefined },
  };
}

/** How source and warehouse differ, by SQL that shares nothing with the pipeline; empty where they are the same. */
export async function findDifferences(source: pg.Client, warehouse: pg.Client): Promise<string[]> {
  try {
    const { tables } = await verifyWarehouse({
      source,
      warehouse,
      warehouseSchema: 'public',
      model: totesys,
    });
    return tables.filter((table) => !isClean(table)).map((table) => JSON.stringify(table));
  } catch (error) {
    return [`they cannot be compared: ${String(error)}`];
  }
}

/**
 * Whether all that differs is rows that were deleted in the source after the last census. On a busy machine a census takes
 * long, and then the next one is not due at once.
 */
async function isCensusPending(site: Site, source: pg.Client, warehouse: pg.Client): Promise<boolean> {
  const { tables } = await verifyWarehouse({
    source,
    warehouse,
    warehouseSchema: 'public',
    model: totesys,
    site,
  });
  return tables.every(
    (table) =>
      isClean(table) && table.late + table.waiting + table.quarantined === 0 && table.examples.length === 0,
  );
}

/**
 * Asserts that the product is not silently wrong: either source and warehouse are the same, or work is in flight, or
 * `status` says that something is wrong. All that was committed in the source has been planned.
 *
 * @returns how it is
 */
export async function assertNotSilentlyWrong(
  site: Site,
  { source, warehouse }: { source: pg.Client; warehouse: pg.Client },
): Promise<'exact' | 'a census is pending' | Exclude<Judgement, 'silent'>> {
  const differences = await findDifferences(source, warehouse);
  if (differences.length === 0) return 'exact';
  const status = await askStatus(site);
  const judgement = status === undefined ? 'told' : judge(status);
  if (judgement !== 'silent') return judgement;
  if (!(await isCensusPending(site, source, warehouse))) throw makeDifferenceError(differences, status);
  return 'a census is pending';
}

/** @returns undefined where it cannot be answered, which tells as well */
async function askStatus(site: Site): Promise<AskedStatus | undefined> {
  try {
    const { ok, queues, troubles } = await readStatus(site);
    // A red status that names no trouble tells nobody anything.
    return { ok: ok || troubles.length === 0, queues };
  } catch {
    return undefined;
  }
}

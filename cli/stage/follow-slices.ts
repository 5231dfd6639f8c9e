import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import type pg from 'pg';
import { formatObjectKey, ingestedSuffix, parseObjectKey } from '../../shared/object-store/object-key.ts';
import { queueKinds } from '../../shared/queue/queue-settings.ts';
import { type FollowedSlice, type KnownSlices, makeKnownSlices } from '../../shared/records/slices.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { ledgerTable } from '../../shared/warehouse/ledger-schema.ts';
import { hasLedger } from '../operator/has-ledger.ts';
import { listFailures } from '../operator/list-failures.ts';
import type { OperatorTarget } from '../operator/target.ts';
import { isAccounted } from './accounted-slices.ts';
import { findFailedSlices } from './failed-slices.ts';

export interface FollowDeps {
  target: Pick<OperatorTarget, 'ingested' | 'sqs' | 'deadLetterUrl' | 'listDeadLetters'>;
  warehouse: pg.ClientBase;
  model: StarSchema;
}

/** Slices on their way. Done is known by the ledger and the dead letters; queues count only approximately. */
export interface FollowedSlices {
  /** Looks into the ledger, and gives the slices that are left. */
  look(): Promise<readonly FollowedSlice[]>;
  /** The same, and asks which have failed for good: that costs more. */
  lookForFailures(): Promise<readonly FollowedSlice[]>;
}

export function followSlices(slices: readonly FollowedSlice[], deps: FollowDeps): FollowedSlices {
  const { target, warehouse, model } = deps;
  let left = [...slices];
  let failed = makeKnownSlices();
  const look = async () => {
    if (left.length === 0) return left;
    const loaded = await readLoaded(warehouse, left);
    const ingested = await listIngested(target.ingested, left, model);
    left = left.filter((slice) => !isAccounted(slice, { loaded, ingested, failed }, model));
    return left;
  };
  return {
    look,
    lookForFailures: async () => {
      if (left.length > 0 && (await hasFailures(target)))
        failed = findFailedSlices(await listFailures(target));
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

/** Of tables that end in the ingested zone, for which no ledger speaks; a slice that was cut has its halves there. */
async function listIngested(
  store: Pick<OperatorTarget['ingested'], 'list'>,
  slices: readonly FollowedSlice[],
  model: StarSchema,
): Promise<KnownSlices> {
  const ingested = makeKnownSlices();
  for (const { table, run, slice } of slices) {
    if (model.source(table).feeds.length > 0) continue;
    const whole = formatObjectKey({ zone: 'ingested', table, run, slice });
    for await (const { key } of store.list(whole.slice(0, -ingestedSuffix.length))) {
      ingested.add(table, parseObjectKey(key));
    }
  }
  return ingested;
}

/** Whether there may be any: to read dead letters is to receive them, which is not done without need. */
async function hasFailures({ ingested, sqs, deadLetterUrl }: FollowDeps['target']): Promise<boolean> {
  for await (const _ of ingested.list('failed/')) return true;
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

import type { Logger } from '@aws-lambda-powertools/logger';
import { type ExpireAfter, findUnknownTables } from '../../../shared/expire-after.ts';
import type { TableMetrics } from '../../../shared/metrics.ts';
import type { Model } from '../../../shared/model/model.ts';
import {
  type ExpireDeps,
  type Expiry,
  expireObjects,
  type Need,
  type TableToExpire,
} from './expire-objects.ts';

export interface ScheduledExpireDeps extends ExpireDeps {
  expireAfter: ExpireAfter;
  now(): Date;
  /** Whether there is time for another 1,000 objects. */
  hasTime(): boolean;
  logger: Pick<Logger, 'info' | 'warn'>;
  metrics: Pick<TableMetrics, 'add'>;
}

/**
 * Deletes what is older than the stage's `expireAfterDays`, as far as it gets: the next time goes on. While a rebuild, a backfill or
 * a migration needs the objects it deletes nothing, and says so.
 */
export async function expireOnSchedule({
  expireAfter,
  now,
  logger,
  metrics,
  ...deps
}: ScheduledExpireDeps): Promise<Expiry> {
  const model = await deps.readModel();
  for (const table of findUnknownTables(expireAfter, model.sources)) {
    logger.warn('expireAfterDays names a table that the model does not have', { table });
  }
  const tables = chooseTables(model, expireAfter, now());
  const expiry = await expireObjects(deps, { tables, dryRun: false, hasTime: deps.hasTime });
  for (const { table, ...counts } of expiry.tables) {
    const deleted = counts.ingested + counts.processed + counts.quarantined;
    if (deleted + counts.kept === 0) continue;
    logger.info('old objects were looked at', { table, deleted, ...counts });
    if (deleted > 0) metrics.add(table, { ObjectsExpired: deleted });
  }
  if (expiry.need !== undefined) {
    const { reason, table } = describe(expiry.need);
    logger.warn(`no more is deleted today: ${reason}`, { need: expiry.need.kind, table });
  } else if (!expiry.isComplete) {
    logger.info('the time is over: the next time goes on');
  }
  return expiry;
}

/** Leaves out tables that keep their objects. */
function chooseTables({ sources }: Model, { others, tables }: ExpireAfter, now: Date): TableToExpire[] {
  return sources.flatMap(({ name }) => {
    const days = tables.get(name) ?? others;
    return days === undefined ? [] : [{ table: name, before: new Date(now.getTime() - days * 86_400_000) }];
  });
}

function describe(need: Need): { reason: string; table: string | undefined } {
  switch (need.kind) {
    case 'rebuild':
      return { reason: 'a table is being rebuilt from S3, and needs its objects', table: need.table };
    case 'migration':
      return { reason: 'a migration is being filled from S3', table: undefined };
    case 'backfill':
      return { reason: 'a table that is new to the model is being filled from S3', table: undefined };
  }
}

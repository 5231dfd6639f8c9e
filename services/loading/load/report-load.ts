import type { Logger } from '@aws-lambda-powertools/logger';
import { notifyOrLog, type ReportDeps } from '../../../shared/handler/report-failure.ts';
import type { TableMetrics } from '../../../shared/metrics.ts';
import { formatObjectKey } from '../../../shared/object-store/object-key.ts';
import type { AppliedCensus } from '../census/newest-censuses.ts';
import type { FactRelease } from '../waiting/release-fact.ts';
import type { LoadResult } from './load.ts';

export interface LoadReportDeps extends ReportDeps {
  logger: Pick<Logger, 'info' | 'warn' | 'error'>;
  metrics: Pick<TableMetrics, 'add'>;
}

/**
 * Logs a loaded object, counts its rows, and sends the events that operators subscribe to.
 *
 * @param wasDeadLetter its message was redriven from the dead-letter queue
 */
export async function reportLoad(
  { key, releases, census, ...counts }: LoadResult,
  wasDeadLetter: boolean,
  deps: LoadReportDeps,
): Promise<void> {
  const { table, run } = key;
  const object = formatObjectKey(key);
  if (counts.outcome === 'outdated' || counts.outcome === 'not in the model') {
    deps.logger.info(endings[counts.outcome], { run, table, key: object });
    return;
  }
  deps.logger.info('loaded', { run, table, key: object, ...counts, ...census });
  const { rows, quarantined } = counts;
  if (census !== undefined) await reportCensus(census, { table, key: object }, deps);
  else if (counts.outcome === 'loaded')
    deps.metrics.add(table, { RowsLoaded: rows, ...(quarantined > 0 && { RowsQuarantined: quarantined }) });
  await notifyReleases(releases, object, deps);
  if (!wasDeadLetter) return;
  await notifyOrLog({ type: 'Table Recovered', detail: { queue: deps.queue, table, key: object } }, deps);
}

const endings = {
  outdated: 'made for an older model, and sent to be transformed again',
  'not in the model': 'its table is not in the model any more',
};

async function reportCensus(
  { state, marked, reason = 'too many keys are gone' }: AppliedCensus,
  subject: { table: string; key: string },
  deps: LoadReportDeps,
): Promise<void> {
  if (state === 'held') {
    deps.logger.warn('a census is held', { ...subject, reason });
    await notifyOrLog({ type: 'Census Held', detail: { ...subject, reason } }, deps);
  }
  if (marked === 0) return;
  deps.metrics.add(subject.table, { RowsDeleted: marked });
  await notifyOrLog({ type: 'Rows Deleted', detail: { ...subject, rows: marked } }, deps);
}

/**
 * Sends an event for each fact whose waiting rows the warehouse newly refuses, and for each fact whose rows it accepts
 * again.
 *
 * @param key the object whose load tried to release them
 */
export async function notifyReleases(
  releases: readonly FactRelease[],
  key: string,
  report: ReportDeps,
): Promise<void> {
  const { queue, logger } = report;
  for (const { table, refusal, hasRecovered } of releases) {
    if (refusal !== undefined) {
      const { reason, isNews } = refusal;
      logger.warn('the warehouse refuses rows whose dimension rows are all there', { table, key, reason });
      const detail = { queue, table, key, error: 'TerminalError', reason };
      if (isNews) await notifyOrLog({ type: 'Table Failed', detail }, report);
    }
    if (hasRecovered) {
      await notifyOrLog({ type: 'Table Recovered', detail: { queue, table, key } }, report);
    }
  }
}

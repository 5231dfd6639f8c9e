import { type ReportDeps, tell } from '../../shared/handler/report-failure.ts';
import type { FactRelease } from './release-fact.ts';

/**
 * Tells of the facts whose waiting rows the warehouse has refused, where that is news, and of those that it takes again.
 *
 * @param key the object whose load has tried it
 */
export async function tellOfReleases(
  releases: readonly FactRelease[],
  key: string,
  report: ReportDeps,
): Promise<void> {
  const { queue, logger } = report;
  for (const { table, refusal, hasRecovered } of releases) {
    if (refusal !== undefined) {
      const { reason, isNews } = refusal;
      logger.warn('the warehouse refuses rows that wait for nothing any more', { table, key, reason });
      const detail = { queue, table, key, error: 'TerminalError', reason };
      if (isNews) await tell({ type: 'Table Failed', detail }, report);
    }
    if (hasRecovered) await tell({ type: 'Table Recovered', detail: { queue, table, key } }, report);
  }
}

import { type VerifiedResult, writeVerified } from '../../shared/records/verified.ts';
import type { Site } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { isClean, type TableReport, type VerifyReport } from './report.ts';

/** Keeps what was found for `status`. Where that is refused, as by a stage's rights, it says so and goes on. */
export async function noteVerified(
  { ingested }: Pick<Site, 'ingested'>,
  { ok, tables }: VerifyReport,
  at: Date,
  terminal: Pick<Terminal, 'info' | 'style'>,
): Promise<void> {
  try {
    await writeVerified(ingested, {
      at: at.toISOString(),
      exact: ok,
      tables: tables.map((report) => ({
        table: report.table,
        asOf: report.asOf,
        rows: report.expected - report.late,
        result: resultOf(report),
      })),
    });
  } catch (error) {
    terminal.info(
      `${terminal.style('yellow', 'warning:')} status does not know of this verification, because it could not be noted in s3://${ingested.bucket}: ${(error as Error).message}`,
    );
  }
}

function resultOf(report: TableReport): VerifiedResult {
  if (report.problem !== undefined) return 'uncompared';
  return isClean(report) ? 'exact' : 'different';
}

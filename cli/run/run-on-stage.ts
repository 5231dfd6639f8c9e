import type pg from 'pg';
import { UnreachableError } from '../database/connect.ts';
import { listFailures } from '../failures/list-failures.ts';
import { loadModel } from '../project/load-model.ts';
import { commandFor, resumeCommandFor } from '../site/site.ts';
import { type OpenedStage, type StageName, withStage } from '../site/stage/open-stage.ts';
import { makeStageSite } from '../site/stage/stage-site.ts';
import { lineEveryMs } from '../terminal/progress.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { printReport, showProgress } from './report/report.ts';
import { runOnce } from './run-once.ts';

/**
 * Has a deployed stage plan at once, and follows the work there to its end.
 *
 * @returns the exit code; 130 when it was interrupted
 * @throws {UsageError} the stage cannot be worked on from here; nothing was begun
 */
export function runOnStage(
  name: StageName,
  { isExact, interrupted }: { isExact: boolean; interrupted: AbortSignal },
  terminal: Terminal,
): Promise<number> {
  return withStage(name, loadModel, async (stage) => {
    if (stage.activity.pausedSince !== undefined) {
      throw new UsageError(`the stage ${stage.stage} is paused: ${resumeCommandFor(stage)} lets it go on`);
    }
    const warehouse = await connectFromHere(stage);
    try {
      const site = await makeStageSite(stage, warehouse, {
        isExact,
        listFailed: () => listFailures(stage),
        onStandstill: (sentence) => terminal.info(`${sentence}: ${commandFor(stage, 'status')} shows more`),
      });
      const work = runOnce(site, showProgress(terminal, stage.model), {
        signal: interrupted,
        // The stage waits by itself, and its schedule plans again.
        waitMs: 0,
        ...(!terminal.isInteractive && { progressEveryMs: lineEveryMs }),
      });
      const report = await Promise.race([work, abortion(interrupted)]);
      if (report === undefined) {
        const status = commandFor(stage, 'status');
        terminal.info(
          `Stopped following. The work goes on in the stage ${stage.stage}: see how far it is with ${status}`,
        );
        return 130;
      }
      printReport(report, terminal);
      return report.ok ? 0 : 1;
    } finally {
      // When interrupted, a query may still be running: its answer is not waited for.
      const ended = warehouse.end().catch(() => {});
      if (!interrupted.aborted) await ended;
    }
  });
}

/** Only the ledger shows that the work is done. */
async function connectFromHere(stage: OpenedStage): Promise<pg.Client> {
  try {
    return await stage.connectWarehouse();
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    throw new UsageError(
      `${error.message}. A run can be followed only from where the warehouse can be reached; the stage's schedule goes on regardless`,
      { cause: error },
    );
  }
}

const abortion = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });

import { PassThrough } from 'node:stream';
import { startPipeline } from '../../cli/run/pipeline.ts';
import type { RunReport } from '../../cli/run/report/make-report.ts';
import { runOnce } from '../../cli/run/run-once.ts';
import { makeEmbeddedSite } from '../../cli/site/embedded/embedded-site.ts';
import { makeTerminal } from '../../cli/terminal/terminal.ts';
import { runWorkersInline } from '../helpers/jest/worker-pool.ts';
import { totesysDefinition } from '../helpers/models/totesys.ts';
import { startInlineWorkers } from '../helpers/processes/inline-workers.ts';
import type { Road } from './road.ts';

runWorkersInline(startInlineWorkers);

/** A road whose stack stays up between its runs, in this process: for what is not about the command as a process. */
export interface OpenRoad {
  /** Runs once more where all must be well. */
  runClean(): Promise<RunReport>;
  /** Ends the hold of the folder; once more does nothing. */
  close(): Promise<void>;
}

export async function openRoad(road: Road): Promise<OpenRoad> {
  const log = new PassThrough();
  let closed: Promise<void> | undefined;
  const pipeline = await startPipeline(
    { ...road, definition: totesysDefinition },
    makeTerminal(new PassThrough(), log, true),
  );
  return {
    runClean: async () => {
      const report = await runOnce(makeEmbeddedSite(pipeline), undefined);
      if (!report.ok)
        throw new Error(`the run has left something:\n${JSON.stringify(report)}\n${log.read()}`);
      return report;
    },
    close: () => {
      closed ??= pipeline.stop();
      return closed;
    },
  };
}

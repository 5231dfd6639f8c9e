import type { Settings } from '../configuration/settings.ts';
import type { LoadedDefinition } from '../project/load-model.ts';
import { assembleProject } from '../project/load-model.ts';
import { connectPatiently } from '../run/connect-named.ts';
import { startPipeline } from '../run/pipeline.ts';
import { hasLastingTrouble } from '../run/report/make-report.ts';
import { printReport } from '../run/report/report.ts';
import { runOnce } from '../run/run-once.ts';
import { makeEmbeddedSite } from '../site/embedded/embedded-site.ts';
import type { Site } from '../site/site.ts';
import type { Terminal } from '../terminal/terminal.ts';

/**
 * Starts the services of a data folder on which nobody runs, and ends with a run: tables that were filled are to be as new as
 * any other.
 *
 * @returns the exit code
 */
export async function withServices(
  { data, source, warehouse }: Settings,
  { definition, folder }: LoadedDefinition,
  terminal: Terminal,
  work: (site: Site, plan: () => Promise<unknown>) => Promise<number>,
): Promise<number> {
  const never = new AbortController().signal;
  const patience = { waitMs: 0, interrupted: never, info: terminal.info };
  const named = connectPatiently({ source, warehouse }, assembleProject(definition), patience);
  const options = { data, source, warehouse, definition, projectFolder: folder, named, keepsModel: true };
  const pipeline = await startPipeline(options, terminal);
  try {
    const site = makeEmbeddedSite(pipeline);
    const code = await work(site, () => site.plan());
    await pipeline.followModel();
    const report = await runOnce(site, undefined, { check: () => pipeline.checkTables({ isAgain: true }) });
    await pipeline.checkLedger();
    if (!terminal.json) printReport(report, terminal);
    return hasLastingTrouble(report) ? 1 : code;
  } finally {
    await pipeline.stop();
  }
}

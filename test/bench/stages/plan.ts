import { planRun } from '../../../services/ingestion/plan/plan-run.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { withDatabase } from './extract.ts';
import { makeFolderStore } from './folder-store.ts';

/**
 * One plan; its state stays in the folder for the next one.
 *
 * @returns how many slices it found to hold something new
 */
export async function plan(task: Record<string, string>): Promise<number> {
  const { source = '', folder = '' } = task;
  let slices = 0;
  await withDatabase(source, async (database) => {
    const run = await planRun({
      database,
      ingested: makeFolderStore(folder),
      send: async () => {},
      ...{ model: totesys, schema: 'public', restart: 'trusted', now: () => new Date() },
    });
    slices = run.slices.length;
  });
  return slices;
}

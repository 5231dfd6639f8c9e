import pg from 'pg';
import { extractSlice } from '../../../services/ingestion/extract/extract-slice.ts';
import { planRun } from '../../../services/ingestion/plan/plan-run.ts';
import type { Database } from '../../../shared/postgres/database.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import { makePutLayout } from '../../../shared/records/plan/layout.ts';
import { totesys } from '../../helpers/models/totesys.ts';
import { makeFolderStore } from './folder-store.ts';

/** Plans and extracts all that is new, one slice after the other, into objects as the ingested zone has them. */
export async function extract(task: Record<string, string>): Promise<void> {
  const { source = '', folder = '' } = task;
  await withDatabase(source, async (database) => {
    const ingested = makeFolderStore(folder);
    const messages: ExtractMessage[] = [];
    const send = async (planned: readonly ExtractMessage[]) => {
      messages.push(...planned);
    };
    const deps = {
      database,
      ingested,
      putLayout: makePutLayout(ingested),
      send,
      model: totesys,
      schema: 'public',
      restart: 'trusted',
    } as const;
    await planRun({ ...deps, now: () => new Date() });
    // What is cut in two sends its halves.
    for (let message = messages.shift(); message !== undefined; message = messages.shift()) {
      await extractSlice(message, deps);
    }
  });
}

/** One connection, as a function has it. */
export async function withDatabase(
  url: string,
  work: (database: Pick<Database, 'withClient'>) => Promise<void>,
): Promise<void> {
  const pool = new pg.Pool({ connectionString: url, max: 2 });
  try {
    await work({
      withClient: async (run) => {
        const client = await pool.connect();
        try {
          return await run(client);
        } finally {
          client.release();
        }
      },
    });
  } finally {
    await pool.end();
  }
}

import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { makeReplayId, sendReplay } from '../replay/replay.ts';
import type { Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { listQuarantine } from './list-quarantine.ts';

export interface Released {
  /** The replay's id; null where there was nothing to release. */
  replay: string | null;
  /** Keys of the quarantine files whose rows are put through again. */
  files: string[];
  rows: number;
}

/**
 * Puts quarantined rows through again: the objects that they are in are transformed anew. What is good now is
 * loaded, and what is not is quarantined again, in the file of the new revision.
 *
 * @param selection.tables warehouse tables
 * @param selection.file one quarantine file, given up or not; undefined for all of the tables that were not
 * @throws {UsageError} no such file is in quarantine
 */
export async function release(
  site: Site,
  model: StarSchema,
  { tables, file }: { tables: readonly string[]; file: string | undefined },
): Promise<Released> {
  const files = (await listQuarantine(site, model, tables)).filter(({ quarantined, dropped, ...each }) =>
    file === undefined ? quarantined > 0 : each.file === file && quarantined + dropped.length > 0,
  );
  if (files.length === 0) {
    if (file !== undefined)
      throw new UsageError(`--file ${file} is not in quarantine for ${tables.join(', ')}`);
    return { replay: null, files: [], rows: 0 };
  }
  const now = new Date();
  const replay = makeReplayId(now);
  const keys = [...new Set(files.map(({ ingested }) => ingested))];
  await sendReplay(site, model, { zone: 'ingested', id: replay, keys, now });
  return {
    replay,
    files: files.map((each) => each.file),
    rows: files.reduce((sum, { quarantined, dropped }) => sum + quarantined + dropped.length, 0),
  };
}

import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { makeReplayId, sendReplay } from '../replay/replay.ts';
import type { Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { listQuarantine } from './list-quarantine.ts';
import { putDropRecord, type QuarantineFile } from './quarantine-file.ts';

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

export interface DropSelection {
  /** Warehouse tables. */
  tables: readonly string[];
  /** One quarantine file; undefined for all of the tables. */
  file: string | undefined;
  /** The source key of one row, as text; undefined for all rows. */
  key: string | undefined;
}

/**
 * Gives quarantined rows up: they count no longer, until their object is transformed again. The files stay as they
 * are, each with a record next to it of what was given up.
 *
 * @returns the files, each with the rows of it that were given up now
 * @throws {UsageError} no such file or row is in quarantine
 */
export async function dropQuarantined(
  site: Pick<Site, 'processed' | 'connectWarehouse' | 'warehouseSchema'>,
  model: StarSchema,
  selection: DropSelection,
  now: Date = new Date(),
): Promise<QuarantineFile[]> {
  const { tables, file, key } = selection;
  const files = (await listQuarantine(site, model, tables))
    .filter((each) => each.quarantined > 0 && (file === undefined || each.file === file))
    .flatMap((each) => selectRows(each, key));
  if (files.length === 0 && (file ?? key) !== undefined) {
    const what = [file && `--file ${file}`, key && `--key ${key}`].filter(Boolean).join(' ');
    throw new UsageError(`${what} is not in quarantine for ${tables.join(', ')}`);
  }
  for (const { file, rows } of files) {
    const lines = key === undefined ? null : rows.flatMap(({ line }) => line ?? []);
    await putDropRecord(site.processed, file, lines, now);
  }
  return files;
}

function selectRows(file: QuarantineFile, key: string | undefined): QuarantineFile[] {
  if (key === undefined) return [file];
  const rows = file.rows.filter((row) => row.key !== null && String(row.key) === key);
  return rows.length === 0 ? [] : [{ ...file, rows, quarantined: rows.length }];
}

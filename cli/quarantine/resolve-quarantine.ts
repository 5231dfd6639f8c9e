import type { Model } from '../../shared/model/model.ts';
import { putDropRecord, type QuarantineFile } from '../../shared/quarantine/quarantine-file.ts';
import { makeReplayId, sendReplay } from '../replay/replay.ts';
import type { Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { selectGone } from './gone-rows.ts';
import { listQuarantine } from './list-quarantine.ts';

export interface Released {
  /** The replay's id; null where there was nothing to release. */
  replay: string | null;
  /** Keys of the quarantine files whose rows are sent through again. */
  files: string[];
  rows: number;
}

/**
 * Sends quarantined rows through the pipeline again: their objects are transformed again. Rows that are good now are
 * loaded; the others are quarantined again, in the file of the new revision.
 *
 * @param selection.tables warehouse tables
 * @param selection.file one quarantine file, dropped or not; undefined for all files of the tables that were not dropped
 * @throws {UsageError} no such file is in quarantine
 */
export async function release(
  site: Site,
  model: Model,
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
  /** Only the rows that the source does not have any more. */
  isGone?: boolean;
}

/**
 * Drops quarantined rows: they no longer count, until their object is transformed again. The files are kept, each with
 * a record of the dropped rows next to it.
 *
 * @returns the files, each with the rows that were dropped by this call
 * @throws {UsageError} no such file or row is in quarantine
 */
export async function dropQuarantined(
  site: Pick<Site, 'ingested' | 'processed' | 'connectWarehouse' | 'connectSource' | 'warehouseSchema'>,
  model: Model,
  selection: DropSelection,
  now: Date = new Date(),
): Promise<QuarantineFile[]> {
  const { tables, file, key, isGone = false } = selection;
  const selected = (await listQuarantine(site, model, tables))
    .filter((each) => each.quarantined > 0 && (file === undefined || each.file === file))
    .flatMap((each) => selectRows(each, key));
  const files = isGone ? await selectGone(site, model, selected) : selected;
  if (selected.length === 0 && (file ?? key) !== undefined) {
    const what = [file && `--file ${file}`, key && `--key ${key}`].filter(Boolean).join(' ');
    throw new UsageError(`${what} is not in quarantine for ${tables.join(', ')}`);
  }
  for (const { file, rows } of files) {
    const lines = key === undefined && !isGone ? null : rows.flatMap(({ line }) => line ?? []);
    await putDropRecord(site.processed, file, lines, now);
  }
  return files;
}

function selectRows(file: QuarantineFile, key: string | undefined): QuarantineFile[] {
  if (key === undefined) return [file];
  const rows = file.rows.filter((row) => row.key !== null && String(row.key) === key);
  return rows.length === 0 ? [] : [{ ...file, rows, quarantined: rows.length }];
}

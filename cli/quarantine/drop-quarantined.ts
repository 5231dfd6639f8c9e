import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import type { Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { listQuarantine } from './list-quarantine.ts';
import { putDropRecord, type QuarantineFile } from './quarantine-file.ts';

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

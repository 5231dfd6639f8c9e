import type { Notify } from '../../../shared/events.ts';
import { formatLoadQuarantineKey, type ProcessedKey } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';
import { formatQuarantinedRow, type QuarantinedRow } from '../../../shared/records/quarantine-file.ts';

export interface QuarantineDeps {
  processed: Pick<ObjectStore, 'create'>;
  notify: Notify;
}

/** Longer rows are shown without their text, so that a file of many stays readable. */
const maxTextBytes = 4 * 1024 * 1024;

/**
 * Puts the rows of a processed object of which the warehouse cannot read a value. Called before the object is committed, so
 * it may be repeated: the file that is there stays.
 */
export async function quarantineRows(
  key: ProcessedKey,
  rows: readonly QuarantinedRow[],
  { processed, notify }: QuarantineDeps,
): Promise<void> {
  const file = formatLoadQuarantineKey(key);
  let bytes = 0;
  const lines = rows.map((row) => {
    bytes += row.row?.length ?? 0;
    return formatQuarantinedRow(bytes > maxTextBytes ? { ...row, row: null } : row);
  });
  await processed.create(file, Buffer.from(lines.join('')));
  await notify({ type: 'Rows Quarantined', detail: { table: key.table, key: file, rows: rows.length } });
}

import type { FarSides } from '../../../../shared/records/plan/capture-state.ts';
import type { UsableTable } from '../../source/tables.ts';

// A row that a left join brings along may be deleted, or get another key, without a write to the row that names it. Then no
// xid shows that the named row is gone from what was extracted. So rows that name one which is not there are new as well.
// There may be many of them for years: they are asked for only where one may have lost its row.

/**
 * What the source says of the tables that are joined to one. It must have been read before the snapshot in which the table is
 * looked at: a delete that the snapshot misses then changes it later.
 *
 * @param standbyXmax on a standby, which does not count what its primary deletes: there any transaction may have
 * @returns undefined for a table without joins
 */
export function noteFarSides(
  { table, relations }: Pick<UsableTable, 'table' | 'relations'>,
  standbyXmax: string | undefined,
): Pick<FarSides, 'noted' | 'updates'> | undefined {
  const names = [...new Set(table.joins.map(({ name }) => name))];
  if (names.length === 0) return undefined;
  const far = names.flatMap((name) => relations.get(name) ?? []);
  return {
    noted: standbyXmax ?? far.map(({ deletes, fileNode }) => `${deletes} ${fileNode}`).join(' '),
    updates: far.map(({ updates }) => updates).join(' '),
  };
}

import { parseObjectKey } from '../../shared/object-store/object-key.ts';
import type { StarSchema, WarehouseTable } from '../../shared/star-schema/assemble.ts';
import type { QuarantinedRow, QuarantineFile } from './quarantine.ts';

/**
 * Takes out of the files the rows that a later run has quarantined as well: a table that is read in full again brings
 * its bad rows again, each of which is one bad row.
 *
 * A dimension has the latest state alone, so its row is told by its key. A fact keeps every version, so its row is
 * told by its last_updated too; where the file had no room for the row's text, it stands for itself.
 */
export function withoutReadAgain(files: readonly QuarantineFile[], model: StarSchema): QuarantineFile[] {
  const seen = new Set<string>();
  const left = new Map<QuarantineFile, QuarantineFile>();
  for (const file of files.toSorted((a, b) => runOf(b).localeCompare(runOf(a)))) {
    const table = model.table(file.table);
    const ids = file.rows.map((row) => identityOf(row, table));
    const isAgain = ids.map((id) => id !== undefined && seen.has(id));
    for (const id of ids) if (id !== undefined) seen.add(id);
    const rows = file.rows.filter((_, index) => !isAgain[index]);
    const readAgain = file.rows.length - rows.length;
    left.set(file, { ...file, rows, readAgain, quarantined: file.quarantined - readAgain });
  }
  return files.flatMap((file) => left.get(file) ?? []);
}

const runOf = ({ ingested }: QuarantineFile): string => parseObjectKey(ingested).run;

function identityOf({ key, row }: QuarantinedRow, table: WarehouseTable): string | undefined {
  if (key === null) return undefined;
  if (table.kind !== 'fact') return JSON.stringify([table.name, key]);
  const lastUpdated = lastUpdatedOf(row);
  return lastUpdated === undefined ? undefined : JSON.stringify([table.name, key, lastUpdated]);
}

function lastUpdatedOf(row: string | null): unknown {
  try {
    return (JSON.parse(row ?? '{}') as { last_updated?: unknown }).last_updated;
  } catch {
    // That it is no JSON is what is wrong with it.
    return undefined;
  }
}

import { formatQuarantinedRow, formatUnlistedRows } from '../../../shared/records/quarantine-file.ts';
import type { Fault } from './read-row.ts';

export interface Quarantine {
  add(line: number, fault: Fault, row: Uint8Array): void;
  /** How many were added. */
  readonly rows: number;
  /** The file, as `parseQuarantineFile` reads it. */
  toFile(): Uint8Array;
}

/** Beyond these sizes the file omits a row's text, and then its line. The ingested object still has both. */
const fullTextBytes = 4 * 1024 * 1024;
const fullFileBytes = 8 * 1024 * 1024;

/**
 * Collects the rows of an object that break the contract, as lines
 * `{"line":3,"key":7,"column":"payment_date","reason":"is not a date …","row":"{\"payment_id\":7,…"}`.
 *
 * The file stays below 9 MiB: if a whole object breaks the contract, its later rows are written without their text
 * (`"row":null`), and the last line counts the rows for which there was no room.
 */
export function makeQuarantine({ hidesText = false }: { hidesText?: boolean } = {}): Quarantine {
  const lines: string[] = [];
  let bytes = 0;
  let rows = 0;
  return {
    get rows() {
      return rows;
    },
    add(line, { key, column, reason }, row) {
      rows++;
      if (bytes > fullFileBytes) return;
      // Bytes that are not UTF-8 become U+FFFD here.
      const text = hidesText || bytes + row.length > fullTextBytes ? null : Buffer.from(row).toString();
      const entry = formatQuarantinedRow({ line, key, column, reason, row: text });
      lines.push(entry);
      bytes += Buffer.byteLength(entry);
    },
    toFile() {
      const unlistedRows = rows - lines.length;
      return Buffer.from(lines.join('') + (unlistedRows === 0 ? '' : formatUnlistedRows(unlistedRows)));
    },
  };
}

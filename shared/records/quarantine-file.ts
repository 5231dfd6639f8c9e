import { TerminalError } from '../errors.ts';
import { parseJsonRecord } from './json-record.ts';

/** A line of a quarantine file: where the row stands in its ingested object, and what is wrong with it. */
export interface QuarantinedRow {
  /** From 1. */
  line: number;
  /** The source's business key, a list if it has several columns; null if the line shows none. */
  key: number | string | (number | string)[] | null;
  /** null if the line is not a row at all. */
  column: string | null;
  reason: string;
  /** The row as it was extracted; null if there was no room for it. */
  row: string | null;
}

/** The rows of an object that broke the contract. */
export interface QuarantineContent {
  /** In the order of their lines. */
  rows: QuarantinedRow[];
  /** More rows, for which the file had no room. */
  unlistedRows: number;
}

/** @returns the row's line of the file, with its newline */
export const formatQuarantinedRow = ({ line, key, column, reason, row }: QuarantinedRow): string =>
  `${JSON.stringify({ line, key, column, reason, row })}\n`;

/** @returns the file's last line, with its newline: it counts the rows for which there was no room */
export function formatUnlistedRows(unlistedRows: number): string {
  const reason = 'more rows of the ingested object break the contract';
  return `${JSON.stringify({ line: null, key: null, column: null, reason, row: null, unlistedRows })}\n`;
}

/**
 * Reads a quarantine file, of this version or an older one.
 *
 * @param file its key, for the message
 * @throws {TerminalError} it is not what a transform writes
 */
export function parseQuarantineFile(file: string, body: Uint8Array): QuarantineContent {
  const content: QuarantineContent = { rows: [], unlistedRows: 0 };
  const lines = Buffer.from(body).toString().split('\n');
  for (const text of lines.filter((line) => line !== '')) {
    const entry = parseJsonRecord(text, (_, cause) => malformed(file, cause));
    if (entry.line === null) content.unlistedRows += unlistedRowsOf(file, entry);
    else content.rows.push(entry as unknown as QuarantinedRow);
  }
  return content;
}

/** Older versions wrote the count as the first word of the reason. */
function unlistedRowsOf(file: string, { reason, unlistedRows }: Record<string, unknown>): number {
  const count = unlistedRows ?? Number(/^(\d+) more rows /.exec(String(reason))?.[1]);
  if (!Number.isSafeInteger(count)) throw malformed(file);
  return Number(count);
}

const malformed = (file: string, cause?: unknown): TerminalError =>
  new TerminalError(`${file} is not a quarantine file`, { key: file, cause });

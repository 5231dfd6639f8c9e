import { CsvError, parse } from 'csv-parse/sync';
import type { Finding } from '../../configuration/yaml-file.ts';

/** A small table of names for codes. */
export type Lookup = Record<string, string>;

interface CsvRow {
  record: string[];
  info: { lines: number };
}

/**
 * Reads a lookup: CSV with a header and two columns, the key and what it stands for.
 *
 * @param file as findings show it
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export function parseLookup(file: string, text: string): { lookup: Lookup; findings: Finding[] } {
  const findings: Finding[] = [];
  const entries = new Map<string, string>();
  const [header, ...rows] = parseRows(file, text, findings);
  if (header === undefined && findings.length === 0) findings.push({ file, message: 'is empty' });
  for (const { record, info } of [...(header === undefined ? [] : [header]), ...rows]) {
    if (record.length === 2) continue;
    const message = `has ${record.length === 1 ? '1 value' : `${record.length} values`} (expected a key and what it stands for)`;
    findings.push({ file, line: info.lines, message });
  }
  for (const { record, info } of rows) {
    const [key = '', value = ''] = record;
    if (entries.has(key)) findings.push({ file, line: info.lines, message: `has the key ${key} again` });
    else entries.set(key, value);
  }
  return { lookup: Object.fromEntries(entries), findings };
}

function parseRows(file: string, text: string, findings: Finding[]): CsvRow[] {
  try {
    const options = { bom: true, info: true, relax_column_count: true, skip_empty_lines: true } as const;
    return parse(text, options) as unknown as CsvRow[];
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const { lines } = error as { lines?: unknown };
    const finding: Finding = { file, message: error.message };
    if (typeof lines === 'number') finding.line = lines;
    findings.push(finding);
    return [];
  }
}

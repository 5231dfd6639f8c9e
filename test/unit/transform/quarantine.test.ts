import { describe, expect, it } from '@jest/globals';
import { makeQuarantine } from '../../../services/transformation/rows/quarantine.ts';
import { TerminalError } from '../../../shared/errors.ts';
import { parseQuarantineFile } from '../../../shared/records/quarantine-file.ts';

const fault = { key: 1, column: 'payment_date', reason: 'is null' };

const entriesOf = (file: Uint8Array): { line: number | null; reason: string; row: string | null }[] =>
  Buffer.from(file)
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

describe('the quarantine', () => {
  it('stays small where every row of a large object is bad, and still counts them all', () => {
    const quarantine = makeQuarantine();
    const row = Buffer.from(`{"note":"${'x'.repeat(290)}"}`);
    for (let line = 1; line <= 200_000; line++) quarantine.add(line, fault, row);
    const file = quarantine.toFile();
    const entries = entriesOf(file);
    expect(quarantine.rows).toBe(200_000);
    expect(file.length).toBeLessThan(9 * 1024 * 1024);
    expect(entries[0]).toEqual({ line: 1, ...fault, row: row.toString() });
    expect(entries.at(-2)).toMatchObject({ line: entries.length - 1, reason: 'is null', row: null });
    expect(entries.at(-1)).toMatchObject({ line: null, unlistedRows: 200_000 - (entries.length - 1) });
    const { rows, unlistedRows } = parseQuarantineFile('quarantine/a.ndjson', file);
    expect(rows.length + unlistedRows).toBe(200_000);
    expect(rows.at(-1)).toEqual({ line: rows.length, ...fault, row: null });
  });

  it('is read where an older version wrote it, with the count in the last line’s reason', () => {
    const body = `{"line":1,"key":5,"column":"payment_date","reason":"is null","row":"{}"}
{"line":null,"key":null,"column":null,"reason":"81234 more rows of the ingested object break the contract","row":null}
`;
    expect(parseQuarantineFile('quarantine/a.ndjson', Buffer.from(body))).toEqual({
      rows: [{ line: 1, key: 5, column: 'payment_date', reason: 'is null', row: '{}' }],
      unlistedRows: 81_234,
    });
  });

  it.each(['{"line":1,', '{"line":null,"reason":"more rows of the ingested object break the contract"}'])(
    'is refused with its name where it is not what a transform writes: %s',
    (body) => {
      const parse = () => parseQuarantineFile('quarantine/a.ndjson', Buffer.from(body));
      expect(parse).toThrow(TerminalError);
      expect(parse).toThrow('quarantine/a.ndjson is not a quarantine file');
    },
  );

  it('is an empty file of no rows', () => {
    expect(makeQuarantine().toFile()).toHaveLength(0);
  });
});

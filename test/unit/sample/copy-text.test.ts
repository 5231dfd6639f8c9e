import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { CopyText, encodeRows } from '../../../models/totesys/sample/copy-text.ts';

const written = (write: (out: CopyText) => void): string => {
  const out = new CopyText();
  write(out);
  out.endRow();
  return out.take().toString('utf8');
};

describe('COPY text', () => {
  it('separates fields by tabs, ends rows by newlines and writes null as \\N', () => {
    const row = written((out) => {
      out.int(7).int(-120).int(0).cents(123_456).cents(5).boolean(true).boolean(false);
      out.text(null).text('').text('plain').date(0).timestamp(0);
    });
    const fields = ['7', '-120', '0', '1234.56', '0.05', 't', 'f', '\\N', '', 'plain'];
    expect(row).toBe(`${[...fields, '1970-01-01', '1970-01-01 00:00:00.000'].join('\t')}\n`);
  });

  it('escapes what would end a field or a row, and keeps Unicode', () => {
    expect(written((out) => out.text('a\tb\nc\\d\r'))).toBe('a\\tb\\nc\\\\d\\r\n');
    expect(written((out) => out.text('Łukasz 🧵\u2028'))).toBe('Łukasz 🧵\u2028\n');
  });

  it('writes a timestamp as Date does, and microseconds in full', () => {
    const day = 86_400_000;
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 40_000 * day }), (millis) => {
        const expected = new Date(millis).toISOString().slice(0, -1).replace('T', ' ');
        expect(written((out) => out.timestamp(millis * 1000))).toBe(`${expected}\n`);
      }),
    );
    expect(written((out) => out.timestamp(1_724_946_615_000_001))).toBe('2024-08-29 15:50:15.000001\n');
  });

  it('loses no row where one buffer ends and the next begins, and reports the last count', () => {
    const long = 'x'.repeat(5000);
    const seen: number[] = [];
    const rows = Array.from({ length: 200 }, (_, at) => at);
    let text = '';
    let chunks = 0;
    for (const chunk of encodeRows(
      rows,
      (out, row) => out.int(row).text(long),
      (count) => seen.push(count),
    )) {
      text += chunk.toString('latin1');
      chunks++;
    }
    expect(chunks).toBeGreaterThan(3);
    expect(text).toBe(rows.map((row) => `${row}\t${long}\n`).join(''));
    expect(seen.at(-1)).toBe(200);
  });
});

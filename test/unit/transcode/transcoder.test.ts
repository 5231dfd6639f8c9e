import { describe, expect, it, jest } from '@jest/globals';
import { type JsonKind, jsonKindOf } from '../../../services/ingestion/transcode/columns.ts';
import { makeTranscoder } from '../../../services/ingestion/transcode/transcoder.ts';
import { TerminalError } from '../../../shared/errors.ts';
import { isLong } from '../../helpers/jest/long-form.ts';

// For the long form.
jest.setTimeout(300_000);

/** Expected lines are written by hand, after what Postgres 18 returns from row_to_json. */

const columnsOf = (kinds: readonly JsonKind[]) =>
  kinds.map((kind, index) => ({ name: String.fromCharCode(97 + index), kind }));

function transcode(kinds: readonly JsonKind[], ...chunks: (string | Uint8Array)[]): string {
  const transcoder = makeTranscoder(columnsOf(kinds));
  for (const chunk of chunks) transcoder.push(Buffer.from(chunk));
  transcoder.end();
  return Buffer.from(transcoder.take()).toString();
}

describe('makeTranscoder', () => {
  it.each<[string, JsonKind, string, string]>([
    ['a plain text', 'string', 'Jürgen 🐘', '"Jürgen 🐘"'],
    ['an empty text', 'string', '', '""'],
    ['null', 'string', '\\N', 'null'],
    ['the two characters \\N', 'string', '\\\\N', '"\\\\N"'],
    ['the word NULL', 'string', 'NULL', '"NULL"'],
    ['quotes, backslashes and slashes', 'string', '"a\\\\b/"', '"\\"a\\\\b/\\""'],
    ['escapes of COPY', 'string', 'x\\b\\f\\n\\r\\t\\vy', '"x\\b\\f\\n\\r\\t\\u000by"'],
    ['control characters as they are', 'string', '\u0001\u001f\u007f', '"\\u0001\\u001f\u007f"'],
    ['line separators', 'string', '\u2028\u2029', '"\u2028\u2029"'],
    ['a large integer', 'number', '9223372036854775807', '9223372036854775807'],
    ['a price', 'number', '-99999999.90', '-99999999.90'],
    ['a float', 'number', '1e-07', '1e-07'],
    ['not a number', 'number', 'NaN', '"NaN"'],
    ['minus infinity', 'number', '-Infinity', '"-Infinity"'],
    ['a null number', 'number', '\\N', 'null'],
    ['true', 'boolean', 't', 'true'],
    ['false', 'boolean', 'f', 'false'],
    ['a null boolean', 'boolean', '\\N', 'null'],
    ['a timestamp', 'timestamp', '2022-11-03 14:20:52.000001', '"2022-11-03T14:20:52.000001"'],
    ['a timestamp before Christ', 'timestamp', '0044-03-15 00:00:00 BC', '"0044-03-15T00:00:00 BC"'],
    ['a timestamp of a late year', 'timestamp', '294276-12-31 23:59:59', '"294276-12-31T23:59:59"'],
    ['a timestamp without end', 'timestamp', '-infinity', '"-infinity"'],
    ['a timestamptz', 'timestamptz', '2022-11-03 14:20:52.1+00', '"2022-11-03T14:20:52.1+00:00"'],
    [
      'a timestamptz of half an hour',
      'timestamptz',
      '2022-11-03 14:20:52-09:30',
      '"2022-11-03T14:20:52-09:30"',
    ],
    [
      'a timestamptz of seconds',
      'timestamptz',
      '1800-01-01 00:00:00-00:01:15',
      '"1800-01-01T00:00:00-00:01:15"',
    ],
    [
      'a timestamptz before Christ',
      'timestamptz',
      '0044-03-15 00:00:00+00 BC',
      '"0044-03-15T00:00:00+00:00 BC"',
    ],
  ])('writes %s as row_to_json does', (_, kind, field, json) => {
    expect(transcode([kind], `${field}\n`)).toBe(`{"a":${json}}\n`);
    expect(transcode(['number', kind, 'string'], `1\t${field}\tz\n`)).toBe(`{"a":1,"b":${json},"c":"z"}\n`);
  });

  it('writes json as a string of its text, newlines and keys that come twice included', () => {
    const json = '{\n\t"a": 1,\r\n"a": "\\n"}';
    const field = json.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('\t', '\\t');
    const line = transcode([jsonKindOf('json')], `${field.replaceAll('\r', '\\r')}\n`);
    expect(JSON.parse(line)).toEqual({ a: json });
  });

  it('gives the same lines wherever the bytes are cut', () => {
    const kinds: JsonKind[] = ['string', 'number', 'boolean', 'timestamp'];
    const copy = Buffer.from(
      'é"\\\\🐘\\n\t1\tt\t2022-11-03 14:20:52\n\\N\t\\N\t\\N\t\\N\n\tNaN\tf\tinfinity\n',
    );
    const lines =
      '{"a":"é\\"\\\\🐘\\n","b":1,"c":true,"d":"2022-11-03T14:20:52"}\n' +
      '{"a":null,"b":null,"c":null,"d":null}\n' +
      '{"a":"","b":"NaN","c":false,"d":"infinity"}\n';
    for (let first = 0; first <= copy.length; first++) {
      // A middle of more bytes than a word has is two cuts that do not know of each other.
      const last = isLong ? copy.length : Math.min(first + 9, copy.length);
      for (let second = first; second <= last; second++) {
        const chunks = [copy.subarray(0, first), copy.subarray(first, second), copy.subarray(second)];
        expect(transcode(kinds, ...chunks)).toBe(lines);
      }
    }
    expect(transcode(kinds, ...Array.from(copy, (byte) => Uint8Array.of(byte)))).toBe(lines);
  });

  it('makes room for the longest escapes and for rows of a megabyte', () => {
    const control = '\u0001'.repeat(1_000_000);
    const escaped = '\\u0001'.repeat(1_000_000);
    expect(transcode(['string'], `${control}\n`) === `{"a":"${escaped}"}\n`).toBe(true);
    const halves = [control.slice(0, 300_000), `${control.slice(300_000)}\n`];
    expect(transcode(['string'], ...halves) === `{"a":"${escaped}"}\n`).toBe(true);
    const nulls = '\\N\t\\N\n'.repeat(200_000);
    expect(transcode(['string', 'number'], nulls) === '{"a":null,"b":null}\n'.repeat(200_000)).toBe(true);
  });

  it('quotes column names as Postgres does', () => {
    const name = 'say "hé"\\\n\u0001🐘\u2028';
    const transcoder = makeTranscoder([{ name, kind: 'number' }]);
    transcoder.push(Buffer.from('1\n'));
    expect(Buffer.from(transcoder.take()).toString()).toBe('{"say \\"hé\\"\\\\\\n\\u0001🐘\u2028":1}\n');
  });

  it('takes several rows of fewer bytes than a word at the end of a chunk', () => {
    expect(transcode(['string'], 'ab\n\n\nc\n')).toBe('{"a":"ab"}\n{"a":""}\n{"a":""}\n{"a":"c"}\n');
    expect(transcode(['string'], 'a', '\n\n', '\n')).toBe('{"a":"a"}\n{"a":""}\n{"a":""}\n');
  });

  it('finds a special byte at any place of a word', () => {
    for (let plain = 0; plain < 9; plain++) {
      const text = 'x'.repeat(plain);
      const line = `{"a":"${text}\\"${text}","b":"${text}é"}\n`;
      expect(transcode(['string', 'string'], `${text}"${text}\t${text}é\n`)).toBe(line);
    }
  });

  it('hands over each line once, and goes on in the memory that it is given', () => {
    const transcoder = makeTranscoder(columnsOf(['number']));
    expect(transcoder.push(Buffer.from('1\n2\n3'))).toBe('{"a":1}\n{"a":2}\n'.length);
    const first = transcoder.take();
    expect(transcoder.push(Buffer.from('\n'))).toBe('{"a":3}\n'.length);
    expect(Buffer.from(first).toString()).toBe('{"a":1}\n{"a":2}\n');
    const second = transcoder.take(new Uint8Array(first.buffer));
    expect(Buffer.from(second).toString()).toBe('{"a":3}\n');
    transcoder.push(Buffer.from('4\n'));
    const third = transcoder.take();
    expect(third.buffer).toBe(first.buffer);
    expect(Buffer.from(third).toString()).toBe('{"a":4}\n');
    expect(transcoder.take()).toHaveLength(0);
  });

  it('outgrows memory that is too small', () => {
    const transcoder = makeTranscoder(columnsOf(['string']));
    transcoder.take(new Uint8Array(1));
    transcoder.push(Buffer.from('abc\n'));
    transcoder.push(Buffer.from(`${'x'.repeat(100_000)}\n`));
    const lines = `{"a":"abc"}\n{"a":"${'x'.repeat(100_000)}"}\n`;
    expect(Buffer.from(transcoder.take()).toString() === lines).toBe(true);
  });

  it('counts the rows over all pushes', () => {
    const transcoder = makeTranscoder(columnsOf(['number']));
    transcoder.push(Buffer.from('1\n2'));
    transcoder.push(Buffer.from('2\n3\n'));
    expect(transcoder.end()).toEqual({ rows: 3 });
  });

  it.each<[string, JsonKind[], string]>([
    ['a column too few', ['number', 'number'], '1\n'],
    ['a column too many', ['number', 'number'], '1\t2\t3\n'],
    ['a number that is none', ['number'], 'twelve\n'],
    ['an empty number', ['number'], '\n'],
    ['a control character in a number', ['number'], '1\u0001\n'],
    ['a boolean that is none', ['boolean'], 'true\n'],
    ['an escape that Postgres does not write', ['string'], '\\x41\n'],
    ['a null marker behind text', ['string'], 'a\\N\n'],
    ['a row that breaks off', ['number'], '1\n2'],
    ['no columns', [], '\n'],
  ])('refuses %s', (_, kinds, copy) => {
    expect(() => transcode(kinds, copy)).toThrow(TerminalError);
  });
});

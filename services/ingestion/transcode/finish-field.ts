import { TerminalError } from '../../../shared/errors.ts';
import { kindCode } from './column-layout.ts';
import { copyEscaped, copyJson } from './copy-escaped.ts';
import type { Cursor } from './transcode-rows.ts';

const space = 0x20;
const quote = 0x22;
const plus = 0x2b;
const minus = 0x2d;
const capitalT = 0x54;

const minutes = Buffer.from(':00');
const json: Record<string, Buffer> = {
  t: Buffer.from('true'),
  f: Buffer.from('false'),
  NaN: Buffer.from('"NaN"'),
  Infinity: Buffer.from('"Infinity"'),
  '-Infinity': Buffer.from('"-Infinity"'),
};

/**
 * Finishes a value that is more than plain bytes: one that needs escapes, or whose form in JSON is not
 * that in COPY. Its plain bytes up to cursor.read are already in the output, from start on.
 *
 * @throws {TerminalError} the value is not of its kind
 */
export function finishField(cursor: Cursor, kind: number, start: number): void {
  if (kind === kindCode.json) copyJson(cursor);
  else if (kind === kindCode.boolean) respell(cursor, start, ['t', 'f']);
  else if (kind === kindCode.number) respell(cursor, start, ['NaN', 'Infinity', '-Infinity']);
  else {
    if (kind === kindCode.string) copyEscaped(cursor);
    else markTime(cursor, start, kind === kindCode.timestamptz);
    cursor.output[cursor.written++] = quote;
  }
}

/** row_to_json spells booleans out, and quotes what is no JSON number. */
function respell(cursor: Cursor, start: number, spellings: readonly string[]): void {
  const { output, written } = cursor;
  const text = spellings.find(
    (each) => each.length === written - start && Buffer.from(each).equals(output.subarray(start, written)),
  );
  const spelled = text === undefined ? undefined : json[text];
  if (spelled === undefined) throw new TerminalError(`a value of the COPY is none of its column's type`);
  output.set(spelled, start);
  cursor.written = start + spelled.length;
}

/** `2022-11-03 14:20:52` becomes `2022-11-03T14:20:52`; infinity has no time, and ` BC` keeps its space. */
function markTime(cursor: Cursor, start: number, hasOffset: boolean): void {
  const { output, written } = cursor;
  // Years have 4 digits or more, so no space comes before the eleventh byte.
  let at = start + 10;
  while (at < written && output[at] !== space) at++;
  if (at >= written) return;
  output[at] = capitalT;
  if (hasOffset) completeOffset(cursor, at);
}

/** COPY leaves the minutes of an offset out when they are 0, row_to_json does not: +00 becomes +00:00. */
function completeOffset(cursor: Cursor, timeStart: number): void {
  const { output, written } = cursor;
  let sign = timeStart;
  while (sign < written && output[sign] !== plus && output[sign] !== minus) sign++;
  const offsetEnd = sign + 3;
  if (offsetEnd < written && output[offsetEnd] !== space) return;
  output.copyWithin(offsetEnd + minutes.length, offsetEnd, written);
  output.set(minutes, offsetEnd);
  cursor.written = written + minutes.length;
}

import { formatDay, MICROS_PER_DAY } from './calendar.ts';

const TAB = 9;
const NEWLINE = 10;
const ZERO = 48;

/** Room that one row may need at most, bytes. */
const ROW_BYTES = 16 * 1024;

/** Rows in Postgres' COPY text format, written field by field into one buffer that is used again and again. */
export class CopyText {
  readonly #buffer: Buffer;
  #length = 0;

  constructor(bytes = 256 * 1024) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  get isFull(): boolean {
    return this.#length > this.#buffer.length - ROW_BYTES;
  }

  /** The rows so far; their memory is written over by the next rows. */
  take(): Buffer {
    const rows = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    return rows;
  }

  endRow(): void {
    this.#buffer[this.#length - 1] = NEWLINE;
  }

  /** @param value null becomes \N */
  text(value: string | null): this {
    if (value === null) return this.#ascii('\\N');
    if (/^[ -[\]-~]*$/.test(value)) return this.#ascii(value);
    const escaped = value.replace(/[\\\t\n\r\b\f\v]/g, (character) => ESCAPES.get(character) ?? character);
    this.#length += this.#buffer.write(escaped, this.#length, 'utf8');
    return this.#tab();
  }

  /** @param value a whole number of any sign, within 2^53 */
  int(value: number): this {
    if (value < 0) this.#buffer[this.#length++] = 45;
    const magnitude = Math.abs(value);
    let digits = 1;
    for (let limit = 10; limit <= magnitude; limit *= 10) digits++;
    this.#digits(magnitude, digits);
    return this.#tab();
  }

  /** @param cents hundredths, 0 or more: 1250 is written 12.50 */
  cents(cents: number): this {
    this.int(Math.floor(cents / 100));
    this.#buffer[this.#length - 1] = 46;
    this.#digits(cents % 100, 2);
    return this.#tab();
  }

  boolean(value: boolean): this {
    return this.#ascii(value ? 't' : 'f');
  }

  /** @param day days since 1970-01-01 */
  date(day: number): this {
    return this.#ascii(formatDay(day));
  }

  /** @param instant microseconds since 1970-01-01 00:00; whole milliseconds are written with 3 digits */
  timestamp(instant: number): this {
    const day = Math.floor(instant / MICROS_PER_DAY);
    this.date(day);
    this.#buffer[this.#length - 1] = 32;
    const micros = instant - day * MICROS_PER_DAY;
    const seconds = Math.floor(micros / 1e6);
    this.#clock(seconds);
    const fraction = micros - seconds * 1e6;
    if (fraction % 1000 === 0) this.#digits(fraction / 1000, 3);
    else this.#digits(fraction, 6);
    return this.#tab();
  }

  #clock(seconds: number): void {
    const buffer = this.#buffer;
    this.#digits(Math.floor(seconds / 3600), 2);
    buffer[this.#length++] = 58;
    this.#digits(Math.floor(seconds / 60) % 60, 2);
    buffer[this.#length++] = 58;
    this.#digits(seconds % 60, 2);
    buffer[this.#length++] = 46;
  }

  #digits(value: number, digits: number): void {
    let rest = value;
    for (let at = this.#length + digits - 1; at >= this.#length; at--) {
      const tenth = Math.floor(rest / 10);
      this.#buffer[at] = ZERO + rest - tenth * 10;
      rest = tenth;
    }
    this.#length += digits;
  }

  #ascii(value: string): this {
    for (let at = 0; at < value.length; at++) this.#buffer[this.#length++] = value.charCodeAt(at);
    return this.#tab();
  }

  #tab(): this {
    this.#buffer[this.#length++] = TAB;
    return this;
  }
}

const ESCAPES = new Map([
  ['\\', '\\\\'],
  ['\t', '\\t'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\v', '\\v'],
]);

/**
 * Rows as chunks of COPY text, each good until the next is asked for.
 *
 * @param write writes one row's fields, in the order of the columns, without the row's end
 * @param onRows the rows written so far, at every chunk
 */
export function* encodeRows<Row>(
  rows: Iterable<Row>,
  write: (out: CopyText, row: Row) => void,
  onRows: (rows: number) => void = () => {},
): Generator<Buffer> {
  const out = new CopyText();
  let count = 0;
  for (const row of rows) {
    write(out, row);
    out.endRow();
    count++;
    if (!out.isFull) continue;
    onRows(count);
    yield out.take();
  }
  onRows(count);
  yield out.take();
}

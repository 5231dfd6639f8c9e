import { describe, expect, it } from '@jest/globals';
import {
  DateDay,
  Decimal,
  Float32,
  Float64,
  Int64,
  TimeMicrosecond,
  TimestampMicrosecond,
  vectorFromArray,
} from 'apache-arrow';
import { makeReader } from '../../../cli/objects/arrow-text.ts';

/** The texts are what Postgres 18 writes of these values. */
describe('a value of a Parquet object, as a line writes it', () => {
  const textsOf = (vector: { data: readonly Parameters<typeof makeReader>[0][] }, count: number) => {
    const [data] = vector.data;
    if (data === undefined) throw new Error('no data');
    const read = makeReader(data);
    return Array.from({ length: count }, (_, row) => read(row).text);
  };
  const raw = (type: DateDay | TimeMicrosecond | TimestampMicrosecond | Int64, values: ArrayLike<never>) => {
    const template = vectorFromArray([null], type as never).data[0];
    return { data: [{ ...template, type, values, getValid: () => true } as never] };
  };

  it('has dates of all years', () => {
    const days = Int32Array.of(
      0,
      -1,
      11_016,
      2_932_896,
      -719_528,
      -719_529,
      -2_440_588 + 38,
      2 ** 31 - 1,
      -(2 ** 31),
    );
    expect(textsOf(raw(new DateDay(), days as never), days.length)).toEqual([
      '1970-01-01',
      '1969-12-31',
      '2000-02-29',
      '9999-12-31',
      '0001-01-01 BC',
      '0002-12-31 BC',
      '4713-01-01 BC',
      'infinity',
      '-infinity',
    ]);
  });

  it('has timestamps to the microsecond', () => {
    const micros = BigInt64Array.of(
      0n,
      -1n,
      1_709_251_199_999_999n,
      951_782_400_500_000n,
      2n ** 63n - 1n,
      -(2n ** 63n),
    );
    expect(textsOf(raw(new TimestampMicrosecond(), micros as never), micros.length)).toEqual([
      '1970-01-01T00:00:00',
      '1969-12-31T23:59:59.999999',
      '2024-02-29T23:59:59.999999',
      '2000-02-29T00:00:00.5',
      'infinity',
      '-infinity',
    ]);
    expect(textsOf(raw(new TimestampMicrosecond('UTC'), micros as never), 2)).toEqual([
      '1970-01-01T00:00:00+00:00',
      '1969-12-31T23:59:59.999999+00:00',
    ]);
  });

  it('has numbers by their digits', () => {
    const words = Uint32Array.of(5, 0, 0, 0, 0xffffff85, 0xffffffff, 0xffffffff, 0xffffffff);
    expect(textsOf(raw(new Decimal(2, 12, 128) as never, words as never), 2)).toEqual(['0.05', '-1.23']);
    expect(textsOf(raw(new Int64(), BigInt64Array.of(2n ** 63n - 1n) as never), 1)).toEqual([
      '9223372036854775807',
    ]);
    expect(
      textsOf(raw(new Float32() as never, Float32Array.of(0.1, 16777216, Number.NaN) as never), 3),
    ).toEqual(['0.1', '16777216', 'NaN']);
    expect(
      textsOf(raw(new Float64() as never, Float64Array.of(0.1, -0, Number.POSITIVE_INFINITY) as never), 3),
    ).toEqual(['0.1', '-0', 'Infinity']);
  });

  it('has times, midnight at the end of a day among them', () => {
    const micros = BigInt64Array.of(0n, 86_400_000_000n, 45_296_123_000n);
    expect(textsOf(raw(new TimeMicrosecond(), micros as never), 3)).toEqual([
      '00:00:00',
      '24:00:00',
      '12:34:56.123',
    ]);
  });
});

import type { ColumnWriter } from './column-writer.ts';

/** The same int8 in every row. */
export class Int8Writer implements ColumnWriter {
  readonly maxBytes = 12;
  readonly #encoded = Buffer.alloc(12);

  /** @param value decimal digits */
  constructor(value: string) {
    this.#encoded.writeInt32BE(8);
    this.#encoded.writeBigInt64BE(BigInt(value), 4);
  }

  write(chunk: Buffer, at: number): number {
    return at + this.#encoded.copy(chunk, at);
  }
}

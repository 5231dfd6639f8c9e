/** The bytes of a row whose end has not come yet. */
export interface UnfinishedRow {
  readonly length: number;
  append(part: Uint8Array): void;
  /** Appends the row's last part, empties itself, and returns the row: valid until the next append. */
  finish(part: Uint8Array): Uint8Array;
}

export function makeUnfinishedRow(): UnfinishedRow {
  let bytes = Buffer.allocUnsafe(1024);
  let length = 0;

  const append = (part: Uint8Array): void => {
    if (length + part.length > bytes.length) {
      // Twice as much each time: a row that comes in many chunks is copied a few times, not once a chunk.
      const larger = Buffer.allocUnsafe(2 * (length + part.length));
      larger.set(bytes.subarray(0, length));
      bytes = larger;
    }
    bytes.set(part, length);
    length += part.length;
  };

  return {
    get length() {
      return length;
    },
    append,
    finish(part) {
      append(part);
      const row = bytes.subarray(0, length);
      length = 0;
      return row;
    },
  };
}

import { slackBytes } from './transcode-rows.ts';

/** The bytes of a row whose end has not come yet. */
export interface UnfinishedRow {
  readonly length: number;
  append(part: Uint8Array): void;
  /**
   * Appends the row's last part, empties itself, and returns the row: bytes[0, length), with slackBytes behind them,
   * valid until the next append.
   */
  finish(part: Uint8Array): { bytes: Uint8Array; length: number };
}

export function makeUnfinishedRow(): UnfinishedRow {
  let bytes = Buffer.allocUnsafe(1024);
  let length = 0;

  const append = (part: Uint8Array): void => {
    if (length + part.length + slackBytes > bytes.length) {
      // Twice as much each time: a row that comes in many chunks is copied a few times, not once a chunk.
      const larger = Buffer.allocUnsafe(2 * (length + part.length) + slackBytes);
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
      const row = { bytes, length };
      length = 0;
      return row;
    },
  };
}

const letterU = 0x75;

/** By the byte behind a backslash: the byte that JSON means, 0 where it means none. */
const meanings = new Uint8Array(256);
for (const [letter, meaning] of ['""', '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t'].map((pair) =>
  Buffer.from(pair),
)) {
  meanings[letter as number] = meaning as number;
}

/**
 * The byte that the escape at a position stands for, or a negative number for what the row reader is left with: no
 * escape, or one of a character that is more than a byte. Postgres escapes control characters, quotes and
 * backslashes alone.
 */
export function unescapedAt(bytes: Uint8Array, at: number): number {
  const letter = bytes[at + 1] as number;
  if (letter !== letterU) return (meanings[letter] as number) || -1;
  const high = hexDigit(bytes[at + 4] as number);
  const low = hexDigit(bytes[at + 5] as number);
  if (bytes[at + 2] !== 0x30 || bytes[at + 3] !== 0x30 || high < 0 || high > 7 || low < 0) return -1;
  return high * 16 + low || -1;
}

function hexDigit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

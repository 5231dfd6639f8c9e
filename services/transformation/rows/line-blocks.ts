/** Whole lines, each with its newline, from the start of the bytes up to `to`. */
export interface LineBlock {
  bytes: Uint8Array<ArrayBuffer>;
  view: DataView;
  to: number;
}

const newline = 0x0a;
const firstBytes = 1024 * 1024;

/**
 * Cuts a stream of bytes after its newlines; a last line without one gets it. A block stands in memory that the
 * next one writes over.
 *
 * @param slackBytes bytes that may be read behind a block, whatever they hold
 */
export async function* lineBlocks(
  chunks: AsyncIterable<Uint8Array>,
  slackBytes: number,
): AsyncGenerator<LineBlock> {
  let bytes = new Uint8Array(firstBytes);
  let used = 0;
  for await (const chunk of chunks) {
    bytes = withRoom(bytes, used, used + chunk.length + 1 + slackBytes);
    bytes.set(chunk, used);
    const lastNewline = chunk.lastIndexOf(newline);
    const to = used + lastNewline + 1;
    used += chunk.length;
    if (lastNewline < 0) continue;
    yield { bytes, view: new DataView(bytes.buffer), to };
    bytes.copyWithin(0, to, used);
    used -= to;
  }
  if (used === 0) return;
  bytes[used] = newline;
  yield { bytes, view: new DataView(bytes.buffer), to: used + 1 };
}

function withRoom(bytes: Uint8Array<ArrayBuffer>, used: number, needed: number): Uint8Array<ArrayBuffer> {
  if (needed <= bytes.length) return bytes;
  const larger = new Uint8Array(2 * needed);
  larger.set(bytes.subarray(0, used));
  return larger;
}

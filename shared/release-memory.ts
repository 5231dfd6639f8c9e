/**
 * Frees the memory of bytes that are not used any more; they are empty afterwards. Left to the garbage collector, a slice's
 * buffers pile up until it runs.
 *
 * Bytes that share their memory with others, as small Buffers do, stay as they are. Callers must not pass bytes that are
 * being written to a socket: the kernel has their address.
 */
export function releaseMemory({ buffer, byteLength }: ArrayBufferView): void {
  // The empty ones are often one and the same.
  const isAlone = byteLength > 0 && byteLength === buffer.byteLength;
  if (isAlone && 'transfer' in buffer) buffer.transfer(0);
}

/** The parts' bytes in one piece; the memory of the parts is freed. */
export function joinAndRelease(parts: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  const joined = Buffer.concat(parts);
  for (const part of parts) releaseMemory(part);
  return joined;
}

/** The same for parts that arrive one after the other. */
export async function collectAndRelease(stream: AsyncIterable<Uint8Array>): Promise<Buffer<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const part of stream) parts.push(part);
  return joinAndRelease(parts);
}

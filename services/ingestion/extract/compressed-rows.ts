import { once } from 'node:events';
import { finished } from 'node:stream/promises';
import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';
import { joinAndRelease, releaseMemory } from '../../../shared/release-memory.ts';
import type { TranscodeColumn } from '../transcode/columns.ts';
import { makeTranscoder } from '../transcode/transcoder.ts';

/** An object's content while a COPY delivers it. */
export interface CompressedRows {
  /**
   * Takes the next bytes of the COPY. A promise asks to wait for it.
   *
   * @throws {ObjectTooLarge}
   */
  push(chunk: Uint8Array): void | Promise<void>;
  /** @throws {ObjectTooLarge} */
  finish(): Promise<{ bytes: Uint8Array; rows: number }>;
  /** Frees an object that is not to be finished. */
  discard(): void;
}

/** The content would be larger than an object may be. Only extractSlice catches it. */
export class ObjectTooLarge extends Error {
  override name = 'ObjectTooLarge';
}

/** How much is handed to zstd at a time, or a little more: each hand-over crosses to another thread. */
export const batchBytes = 512 * 1024;

// Rows of one table repeat what stands a few rows before. A hash table that fits into the processor's first cache and a
// window of 128 KiB make objects smaller than level 1 alone does.
const zstdOptions = {
  params: {
    [constants.ZSTD_c_compressionLevel]: 1,
    [constants.ZSTD_c_hashLog]: 12,
    [constants.ZSTD_c_windowLog]: 17,
  },
  /** How much zstd hands back at a time, again across threads. Node's default of 16 KiB takes more CPU time. */
  chunkSize: 128 * 1024,
};

/**
 * Makes the zstd-compressed NDJSON of a COPY's rows, in one zstd frame (readers of several are rare). No more is in
 * memory than the compressed bytes and a few batches.
 *
 * @param maxBytes of the compressed content
 * @param maxCopyBytes of the COPY. A Parquet file, and the memory of a transform and a load, grow with the values,
 *   which zstd may compress far better than they do; and each row is whole in memory
 */
export function makeCompressedRows(
  columns: readonly TranscodeColumn[],
  maxBytes: number,
  maxCopyBytes = Number.POSITIVE_INFINITY,
): CompressedRows {
  const transcoder = makeTranscoder(columns);
  const output = collectOutput(maxBytes);
  const free: Uint8Array<ArrayBuffer>[] = [];
  let copied = 0;

  /** @returns whether zstd asks to wait */
  const handOver = (): boolean => {
    const lines = transcoder.take(free.pop());
    return !output.zstd.write(lines, () => free.push(new Uint8Array(lines.buffer)));
  };

  return {
    push: (chunk) => {
      output.assertFits();
      copied += chunk.length;
      if (copied > maxCopyBytes) throw new ObjectTooLarge(`more than ${maxCopyBytes} bytes of values`);
      return transcoder.push(chunk) >= batchBytes && handOver() ? output.drained() : undefined;
    },
    finish: async () => {
      const { rows } = transcoder.end();
      handOver();
      const bytes = await output.end();
      for (const memory of free) releaseMemory(memory);
      return { bytes, rows };
    },
    discard: () => output.zstd.destroy(),
  };
}

interface Output {
  zstd: ZstdCompress;
  assertFits(): void;
  drained(): Promise<void>;
  end(): Promise<Uint8Array>;
}

function collectOutput(maxBytes: number): Output {
  const zstd = createZstdCompress(zstdOptions);
  const chunks: Buffer[] = [];
  let bytes = 0;
  zstd.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    // Beyond the limit only the count matters.
    if (bytes <= maxBytes) chunks.push(chunk);
  });
  const assertFits = () => {
    if (bytes > maxBytes) throw new ObjectTooLarge(`more than ${maxBytes} bytes compressed`);
  };
  return {
    zstd,
    assertFits,
    drained: async () => {
      await once(zstd, 'drain');
    },
    end: async () => {
      zstd.end();
      await finished(zstd);
      assertFits();
      return joinAndRelease(chunks);
    },
  };
}

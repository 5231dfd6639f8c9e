import { type RecordBatch, RecordBatchStreamWriter } from 'apache-arrow';
import type { WriterProperties } from 'parquet-wasm/esm';
import type { WarehouseType } from '../model/define.ts';
import type { WarehouseTable } from '../model/model.ts';
import { collectAndRelease, releaseMemory } from '../release-memory.ts';
import { loadParquetWasm, type ParquetWasm } from './parquet-wasm.ts';

/**
 * Writes record batches of `arrowSchemaOf(table)` as one Parquet file, SNAPPY, without dictionaries.
 *
 * Each batch is encoded before the next one is asked for: memory holds one batch and the file, and a batch's
 * buffers may be used again once the next one is asked for.
 *
 * @param batches at least one, which may be empty: it brings the schema
 */
export async function writeParquet(
  table: WarehouseTable,
  batches: AsyncIterable<RecordBatch> | Iterable<RecordBatch>,
): Promise<Uint8Array> {
  const wasm = await loadParquetWasm();
  const source = toWasmBatches(wasm, batches);
  try {
    const parquet = await collectAndRelease(
      await wasm.transformParquetStream(source.stream, writerPropertiesOf(wasm, table)),
    );
    source.assertNotFailed();
    return parquet;
  } catch (error) {
    // What went wrong first: parquet-wasm only saw a stream that ended too early.
    source.assertNotFailed();
    throw error;
  }
}

/**
 * The stream that parquet-wasm reads. At an error of its source it ends the file as if it were whole, or throws an
 * error of its own if no batch came before. So a failure is kept here, and thrown when the stream has ended.
 */
function toWasmBatches(wasm: ParquetWasm, batches: AsyncIterable<RecordBatch> | Iterable<RecordBatch>) {
  let failure: { error: unknown } | undefined;
  async function* encode() {
    try {
      for await (const batch of batches) yield* toWasm(wasm, batch);
    } catch (error) {
      failure = { error };
    }
  }
  return {
    stream: ReadableStream.from(encode()),
    assertNotFailed: () => {
      if (failure !== undefined) throw failure.error;
    },
  };
}

/** parquet-wasm frees the batches that it has written. */
function toWasm(wasm: ParquetWasm, batch: RecordBatch) {
  const ipc = RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true);
  const table = wasm.Table.fromIPCStream(ipc);
  releaseMemory(ipc);
  const wasmBatches = table.recordBatches();
  table.free();
  return wasmBatches;
}

/** Deltas make files much smaller than PLAIN does, in the same time. */
function writerPropertiesOf(wasm: ParquetWasm, table: WarehouseTable): WriterProperties {
  let builder = new wasm.WriterPropertiesBuilder()
    .setDictionaryEnabled(false)
    .setCompression(wasm.Compression.SNAPPY)
    .setStatisticsEnabled(wasm.EnabledStatistics.Chunk);
  for (const { name, type } of table.columns) {
    if (isStoredAsInteger(type)) {
      builder = builder.setColumnEncoding(name, wasm.Encoding.DELTA_BINARY_PACKED);
    }
  }
  return builder.build();
}

/** A decimal of up to 18 digits is an int64 in Parquet; a longer one is a byte array, which has no deltas. */
function isStoredAsInteger(type: WarehouseType): boolean {
  if (type.name === 'numeric') return type.precision <= 18;
  return ['smallint', 'int', 'bigint', 'date', 'time', 'timestamp', 'timestamptz'].includes(type.name);
}

import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import * as parquetWasm from 'parquet-wasm/esm';

export type ParquetWasm = typeof parquetWasm;

const wasmFile = 'parquet_wasm_bg.wasm';
let loading: Promise<ParquetWasm> | undefined;

/**
 * parquet-wasm, ready for use; the module is compiled once in the life of the process.
 *
 * A bundle holds the code alone, so the .wasm file is looked up first in the folder of the running file and
 * then in the installed package.
 */
export function loadParquetWasm(): Promise<ParquetWasm> {
  loading ??= initialise();
  return loading;
}

async function initialise(): Promise<ParquetWasm> {
  // Synchronously, which takes far less CPU time: the asynchronous way makes Node load its fetch, and has the module
  // validated on several threads.
  parquetWasm.initSync({ module: await readFile(findWasmFile()) });
  return parquetWasm;
}

function findWasmFile(): URL | string {
  const bundled = new URL(wasmFile, import.meta.url);
  return existsSync(bundled)
    ? bundled
    : createRequire(import.meta.url).resolve(`parquet-wasm/esm/${wasmFile}`);
}

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { batchBytes } from '../../../services/ingestion/extract/compressed-rows.ts';
import { copyRows } from '../../../services/ingestion/extract/copy-rows.ts';
import { beginExtract } from '../../../services/ingestion/extract/read-slice.ts';
import { cutBlockRanges } from '../../../services/ingestion/plan/look/slice-table.ts';
import { selectSize } from '../../../services/ingestion/source/relations.ts';
import { assessUsableTable } from '../../../services/ingestion/source/tables.ts';
import { makeTranscoder } from '../../../services/ingestion/transcode/transcoder.ts';
import { copyOut } from '../../../shared/postgres/copy-out.ts';
import { totesys } from '../../helpers/models/totesys.ts';

const schema = 'public';
const table = totesys.source('sales_order');
const sliceBytes = 16 * 2 ** 20;

/** The extract's work on sales_order, one slice after the other: COPY, NDJSON, a file for each; not compressed. */
export async function ingest(task: Record<string, string>): Promise<void> {
  const { source = '', folder = '' } = task;
  mkdirSync(folder, { recursive: true });
  const client = new pg.Client(source);
  await client.connect();
  try {
    await beginExtract(client, schema, [table]);
    const { relation, columns } = await assessUsableTable(client, schema, table);
    const size = await selectSize(
      client,
      relation.members.map(({ oid }) => oid),
    );
    for (const [index, blocks] of cutBlockRanges(size, sliceBytes).entries()) {
      const path = join(folder, `${String(index).padStart(4, '0')}.ndjson`);
      const sql = copyRows(table, { schema, ...(blocks && { blocks }) });
      await writeSlice(client, sql, makeTranscoder(columns), path);
    }
    await client.query('commit');
  } finally {
    await client.end();
  }
}

async function writeSlice(
  client: pg.Client,
  sql: string,
  transcoder: ReturnType<typeof makeTranscoder>,
  path: string,
): Promise<void> {
  const file = openSync(path, 'w');
  try {
    let memory: Uint8Array<ArrayBuffer> | undefined;
    const write = () => {
      const lines = transcoder.take(memory);
      writeSync(file, lines);
      memory = new Uint8Array(lines.buffer);
    };
    await copyOut(client, sql, (chunk) => {
      if (transcoder.push(chunk) >= batchBytes) write();
    });
    write();
    transcoder.end();
  } finally {
    closeSync(file);
  }
}

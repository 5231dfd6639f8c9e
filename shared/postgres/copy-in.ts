import type { Duplex } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type pg from 'pg';
import { type CopyConnection, CopyQuery } from './copy-query.ts';

/** One CopyData message at most; Postgres ends a connection that sends one of 1 GiB. */
const maxMessageBytes = 1024 * 1024;
const headerBytes = 5;
const copyDataType = 0x64; // 'd'

/**
 * Runs a `copy … from stdin` (text or binary, as the statement says) with the bytes of chunks, which may be
 * cut anywhere. The next chunk is requested once the kernel has the one before: the producer may then reuse
 * its memory.
 *
 * The client stays usable after every failure but the connection's own. When the producer fails, the server
 * is told to discard what it received. When the server fails, the producer is ended (`return()`) at its next
 * chunk, and only then is the error thrown: what it reads from can be freed after copyIn.
 *
 * @returns the number of rows that the server counted
 * @throws {pg.DatabaseError} from the server: the code says what
 * @throws {TransientError} the connection was lost
 * @throws {TerminalError} the statement is not a copy from stdin
 * @throws any error that the producer throws
 *
 * @example
 * await copyIn(client, 'copy staff from stdin', [Buffer.from('1\tAnna\n')]);
 */
export async function copyIn(
  client: pg.Client | pg.PoolClient,
  sql: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<{ rows: number }> {
  let sending: Promise<void> | undefined;
  const query = new CopyQuery(client, sql, {
    onCopyIn: (connection) => {
      sending = send(connection, query, chunks);
    },
  });
  try {
    return await query.run();
  } finally {
    await sending;
  }
}

async function send(
  connection: CopyConnection,
  query: CopyQuery,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  try {
    for await (const chunk of chunks) {
      for (let start = 0; start < chunk.length && !query.hasEnded; start += maxMessageBytes) {
        await writeMessage(connection.stream, chunk.subarray(start, start + maxMessageBytes));
      }
      if (query.hasEnded) return;
    }
  } catch (error) {
    if (query.hasEnded) return;
    query.fail(error);
    connection.sendCopyFail('the rows could not be produced');
    return;
  }
  if (!query.hasEnded) connection.endCopyFrom();
}

/** Resolves when the kernel has the bytes, or cannot take them because the connection is ending. */
async function writeMessage(stream: Duplex, data: Uint8Array): Promise<void> {
  const header = Buffer.allocUnsafe(headerBytes);
  header[0] = copyDataType;
  header.writeUInt32BE(data.length + 4, 1);
  await new Promise<void>((resolve) => {
    stream.cork();
    stream.write(header);
    stream.write(data, () => resolve());
    stream.uncork();
  });
  // Writes to a socket with room are done in the same turn of the event loop: without a turn now and then,
  // the server's error would not be read, and no timer would fire.
  await nextTurn();
}

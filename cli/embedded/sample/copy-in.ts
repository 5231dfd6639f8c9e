import type { Duplex } from 'node:stream';
import type pg from 'pg';

// pg speaks these three messages but has no COPY of its own, and its types leave them out.
interface CopyConnection extends pg.Connection {
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
}

/**
 * Streams rows into a table by COPY … from stdin (text format). Holds one chunk at a time: the next is
 * asked for when the socket has taken the last, so a chunk's memory may be used again from then on.
 *
 * @param table name as it stands in SQL, quoted where it has to be
 * @param chunks rows as COPY text; a row may lie across chunks
 * @returns the rows that the server counted
 * @throws what the server or the connection reports, or what the chunks' iterator throws: then no row is kept
 */
export function copyIn(
  client: pg.Client,
  table: string,
  columns: readonly string[],
  chunks: Iterable<Buffer>,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const state = { ended: false, failure: undefined as unknown };
    let rows = 0;
    client.query({
      submit: (connection: pg.Connection) =>
        connection.query(`copy ${table} (${columns.join(', ')}) from stdin`),
      handleCopyInResponse: (connection: CopyConnection) => void sendChunks(connection, chunks, state),
      handleCommandComplete: (message: { text: string }) => {
        rows = Number(message.text.split(' ').at(-1));
      },
      handleReadyForQuery: () => resolve(rows),
      handleError: (error: unknown) => {
        state.ended = true;
        reject(state.failure ?? error);
      },
    });
  });
}

async function sendChunks(
  connection: CopyConnection,
  chunks: Iterable<Buffer>,
  state: { ended: boolean; failure: unknown },
): Promise<void> {
  try {
    for (const chunk of chunks) {
      await writeCopyData(connection.stream, chunk);
      // After an error the server has left COPY, and after a lost connection handleError was called.
      if (state.ended || connection.stream.destroyed) return;
    }
    connection.endCopyFrom();
  } catch (error) {
    state.failure = error;
    connection.sendCopyFail(error instanceof Error ? error.message : String(error));
  }
}

// CopyData: 'd', then the length with its own four bytes, then the rows.
// https://www.postgresql.org/docs/current/protocol-message-formats.html
function writeCopyData(stream: Duplex, chunk: Buffer): Promise<void> {
  const header = Buffer.allocUnsafe(5);
  header[0] = 0x64;
  header.writeUInt32BE(chunk.length + 4, 1);
  return new Promise((resolve) => {
    stream.cork();
    stream.write(header);
    // A write that the kernel takes at once calls back before any I/O is polled: without a turn of the loop
    // the server's error, a signal or a timer would wait for the last chunk.
    stream.write(chunk, () => setImmediate(resolve));
    stream.uncork();
  });
}

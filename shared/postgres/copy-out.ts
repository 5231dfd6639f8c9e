import type { Duplex } from 'node:stream';
import type pg from 'pg';
import { TransientError } from '../errors.ts';
import { releaseMemory } from '../release-memory.ts';
import { CopyQuery } from './copy-query.ts';

type ChunkHandler = (chunk: Buffer) => void | Promise<void>;
type DataListener = (chunk: Buffer) => void;

/**
 * Runs a `copy … to stdout` and hands its bytes to onData, in order, in chunks as the socket delivers them
 * (8 to 64 KiB as a rule). A chunk may end anywhere, even within a row or a character, and is valid until onData
 * is done with it. When onData returns a promise, the socket is paused until it is fulfilled.
 *
 * pg's parser makes an object of every row, so the copy reads the socket itself and lets pg see all but the
 * rows. After the copy, and after an error that the server reports, the client stays usable. When
 * onData fails, the connection is closed (nothing makes a server stop sending): the client can run
 * nothing more, and a pool drops it.
 *
 * @returns the number of rows, when onData is done with the last chunk
 * @throws {pg.DatabaseError} from the server: the code says what; chunks may have been handed over before
 * @throws {TransientError} the connection was lost
 * @throws {TerminalError} the statement is not a copy to stdout
 * @throws any error that onData throws
 *
 * @example
 * await copyOut(client, 'copy (select * from staff) to stdout', (chunk) => file.write(chunk));
 */
export async function copyOut(
  client: pg.Client | pg.PoolClient,
  sql: string,
  onData: ChunkHandler,
): Promise<{ rows: number }> {
  let takenOver: TakenOverStream | undefined;
  const query = new CopyQuery(client, sql, {
    onSubmit: ({ stream }) => {
      takenOver = takeOver(stream, onData, (error) => query.abandon(error));
    },
    onRelease: () => takenOver?.giveBack(),
  });
  try {
    return await query.run();
  } finally {
    await takenOver?.handledAll();
  }
}

interface TakenOverStream {
  /** Lets pg read the stream again. */
  giveBack(): void;
  /** @throws any error that onData has thrown */
  handledAll(): Promise<void>;
}

/** Puts itself between the stream and pg's parser, which sees the stream without the rows from then on. */
function takeOver(
  stream: Duplex,
  onData: ChunkHandler,
  onFailure: (error: unknown) => void,
): TakenOverStream {
  const parserListeners = stream.listeners('data') as DataListener[];
  let handling: Promise<void> = Promise.resolve();
  let failure: { error: unknown } | undefined;

  const fail = (error: unknown) => {
    failure ??= { error };
    onFailure(error);
  };
  let hasParserSeen = false;
  const filter = makeCopyDataFilter((bytes) => {
    hasParserSeen = true;
    for (const listener of parserListeners) listener.call(stream, bytes);
  });
  const listener: DataListener = (chunk) => {
    if (failure !== undefined) return;
    try {
      hasParserSeen = false;
      const payload = filter(chunk);
      // The parser may keep a part of what it was given.
      const release = hasParserSeen ? () => {} : () => releaseMemory(chunk);
      const handled = payload.length > 0 ? onData(payload) : undefined;
      if (handled === undefined) return release();
      stream.pause();
      handling = handled
        .then(release)
        .catch(fail)
        .finally(() => stream.resume());
    } catch (error) {
      fail(error);
    }
  };

  for (const each of parserListeners) stream.off('data', each);
  stream.on('data', listener);
  return {
    giveBack: () => {
      stream.off('data', listener);
      for (const each of parserListeners) stream.on('data', each);
    },
    handledAll: async () => {
      await handling;
      if (failure !== undefined) throw failure.error;
    },
  };
}

const headerBytes = 5;
const copyData = 0x64; // 'd'
const copyOutResponse = 0x48; // 'H'
/** What a server may send while a statement runs: any other byte means that this is not the start of a message. */
const messageTypes = new Set(Buffer.from('AcCdDEGHINSTZ'));

/**
 * Takes the CopyData messages out of a server's byte stream: returns a filter that is given the stream
 * chunk by chunk, cut anywhere, and returns their payload without the framing. All other messages go to
 * forward, whole or in parts, in order and before the filter returns.
 *
 * The payload is moved together within the chunk itself: the chunk's memory is overwritten and handed on.
 *
 * @see https://www.postgresql.org/docs/current/protocol-message-formats.html
 * @throws {TransientError} (the filter) the bytes are not the protocol's, or data come before their copy
 */
export function makeCopyDataFilter(forward: (bytes: Buffer) => void): (chunk: Buffer) => Buffer {
  let header = Buffer.alloc(0);
  let bodyBytes = 0;
  let isCopyData = false;
  let isOpen = false;

  const startMessage = (from: Buffer, at: number): void => {
    const type = from[at] as number;
    const length = from.readUInt32BE(at + 1);
    isCopyData = type === copyData;
    isOpen ||= type === copyOutResponse;
    if (!messageTypes.has(type) || length < 4 || (isCopyData && !isOpen)) {
      throw new TransientError('the server sent bytes that are not a COPY message');
    }
    bodyBytes = length - 4;
    if (!isCopyData) forward(from.subarray(at, at + headerBytes));
  };

  return (chunk) => {
    let read = 0;
    let written = 0;
    while (read < chunk.length) {
      if (bodyBytes > 0) {
        const end = Math.min(read + bodyBytes, chunk.length);
        bodyBytes -= end - read;
        if (isCopyData) {
          chunk.copyWithin(written, read, end);
          written += end - read;
        } else forward(chunk.subarray(read, end));
        read = end;
      } else if (header.length === 0 && chunk.length - read >= headerBytes) {
        startMessage(chunk, read);
        read += headerBytes;
      } else {
        const end = Math.min(read + headerBytes - header.length, chunk.length);
        header = Buffer.concat([header, chunk.subarray(read, end)]);
        read = end;
        if (header.length === headerBytes) {
          const whole = header;
          header = Buffer.alloc(0);
          startMessage(whole, 0);
        }
      }
    }
    return chunk.subarray(0, written);
  };
}

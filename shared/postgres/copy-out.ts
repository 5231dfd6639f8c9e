import type { Duplex } from 'node:stream';
import type pg from 'pg';
import { releaseMemory } from '../release-memory.ts';
import { makeCopyDataFilter } from './copy-data-filter.ts';
import { CopyQuery } from './copy-query.ts';

type ChunkHandler = (chunk: Buffer) => void | Promise<void>;
type DataListener = (chunk: Buffer) => void;

/**
 * Runs a `copy … to stdout` and hands its bytes to onData, in order, in chunks as the socket delivers them
 * (8 to 64 KiB as a rule). A chunk ends anywhere, in the middle of a row or of a character too, and is valid until
 * onData is done with it. When onData returns a promise, the socket rests until it is fulfilled.
 *
 * pg's parser makes an object of every row, so the copy reads the socket itself and lets pg see all but the
 * rows. After the copy, and after an error that the server reports, the client is usable as ever. When
 * onData fails, the connection is closed (a server cannot be told to stop sending): the client can run
 * nothing more, and a pool drops it.
 *
 * @returns the number of rows, when onData is done with the last chunk
 * @throws {pg.DatabaseError} from the server: the code says what; chunks may have been handed over before
 * @throws {TransientError} the connection was lost
 * @throws {TerminalError} the statement is no copy to stdout
 * @throws whatever onData throws
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
  /** @throws whatever onData has thrown */
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

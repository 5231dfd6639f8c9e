import { TransientError } from '../errors.ts';

const headerBytes = 5;
const copyData = 0x64; // 'd'
const copyOutResponse = 0x48; // 'H'
/** What a server may send while a statement runs: any other byte means that we do not stand at a message. */
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
      throw new TransientError('the server sent what is no message of a COPY');
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

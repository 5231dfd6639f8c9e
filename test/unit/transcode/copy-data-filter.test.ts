import { describe, expect, it } from '@jest/globals';
import { TransientError } from '../../../shared/errors.ts';
import { makeCopyDataFilter } from '../../../shared/postgres/copy-out.ts';

/** A message after the protocol's description: type, length of itself and the body, body. */
const message = (type: string, body: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + body.length);
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body)]);
};

function filter(chunks: readonly Buffer[]): { payload: string; forwarded: string } {
  const forwarded: Buffer[] = [];
  const filterChunk = makeCopyDataFilter((bytes) => forwarded.push(Buffer.from(bytes)));
  const payload = chunks.map((chunk) => Buffer.from(filterChunk(Buffer.from(chunk))));
  return { payload: Buffer.concat(payload).toString(), forwarded: Buffer.concat(forwarded).toString('hex') };
}

const open = message('H', '\0\0\0');
const notice = message('N', 'SNOTICE\0\0');
const done = message('c', '');
const complete = message('C', 'COPY 2\0');
const ready = message('Z', 'I');

describe('makeCopyDataFilter', () => {
  it('parts the rows from all other messages, wherever the bytes are cut', () => {
    const rows = [message('d', '1\tone\n'), message('d', ''), message('d', '2\ttwo\n')] as const;
    const stream = Buffer.concat([open, rows[0], notice, rows[1], rows[2], done, complete, ready]);
    const others = Buffer.concat([open, notice, done, complete, ready]).toString('hex');
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second++) {
        const chunks = [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)];
        expect(filter(chunks)).toEqual({ payload: '1\tone\n2\ttwo\n', forwarded: others });
      }
    }
  });

  it('forwards what comes first before it goes on', () => {
    const seen: string[] = [];
    const filterChunk = makeCopyDataFilter((bytes) => seen.push(bytes.toString('latin1')));
    filterChunk(open);
    expect(seen.join('')).toBe(open.toString('latin1'));
  });

  it.each([
    ['data before the copy', message('d', 'x')],
    ['an unknown message', message('?', 'x')],
    ['a length below its own', Buffer.from('H\0\0\0\x03')],
  ])('refuses %s', (_, bytes) => {
    expect(() => filter([bytes])).toThrow(TransientError);
  });
});

import { describe, expect, it } from '@jest/globals';
import { joinAndRelease, releaseMemory } from '../../../shared/release-memory.ts';

describe('releaseMemory', () => {
  it('frees bytes that have their memory to themselves', () => {
    const bytes = new Uint8Array(1000).fill(1);
    releaseMemory(bytes);
    expect(bytes.length).toBe(0);
    expect(bytes.buffer.detached).toBe(true);
  });

  it.each(['the start', 'the end'])('leaves %s of memory that others use too', (part) => {
    const whole = new Uint8Array(1000).fill(1);
    releaseMemory(part === 'the start' ? whole.subarray(0, 999) : whole.subarray(1));
    expect(whole.every((byte) => byte === 1) && whole.length === 1000).toBe(true);
  });

  it('leaves what is empty, which is often shared, and what threads share', () => {
    const empty = new Uint8Array(0);
    const shared = new Uint8Array(new SharedArrayBuffer(1000));
    for (const bytes of [empty, shared]) releaseMemory(bytes);
    expect([empty.buffer.detached, shared.length]).toEqual([false, 1000]);
  });
});

describe('joinAndRelease', () => {
  it('gives all bytes in their order, and frees the parts that have their memory to themselves', () => {
    const shared = Uint8Array.of(0, 3, 4);
    const parts = [Uint8Array.of(1, 2), shared.subarray(1), new Uint8Array(0)];
    expect([...joinAndRelease(parts)]).toEqual([1, 2, 3, 4]);
    expect(parts.map(({ length }) => length)).toEqual([0, 2, 0]);
  });
});

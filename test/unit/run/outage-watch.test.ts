import { describe, expect, it } from '@jest/globals';
import { makeOutageWatch } from '../../../cli/run/outage-watch.ts';
import { beginOutage, readOutage, type Side } from '../../../shared/records/outages.ts';

/** The objects of a bucket, with S3's conditional put. */
function makeBucket() {
  const objects = new Map<string, { body: Uint8Array; etag: string; metadata: Record<string, string> }>();
  let puts = 0;
  return {
    get: async (key: string) => objects.get(key),
    replace: async (key: string, body: Uint8Array, etag: string | undefined) => {
      if (objects.get(key)?.etag !== etag) return false;
      puts += 1;
      objects.set(key, { body, etag: String(puts), metadata: {} });
      return true;
    },
  };
}

function startUnderTest() {
  const ingested = makeBucket() as unknown as Parameters<typeof makeOutageWatch>[0]['ingested'];
  const lines: string[] = [];
  const woken: Side[] = [];
  const events: string[] = [];
  const under = { isAnswering: false, seconds: 0, asked: 0 };
  const watch = makeOutageWatch({
    ingested,
    notify: async ({ type }) => {
      events.push(type);
    },
    ask: async () => {
      under.asked += 1;
      if (!under.isAnswering) throw new Error('refused');
    },
    wake: (side) => woken.push(side),
    info: (line) => lines.push(line),
    monotonicNow: () => under.seconds * 1000,
  });
  const begin = (reason = 'password authentication failed (SQLSTATE 28P01)') =>
    beginOutage(ingested, { side: 'warehouse', since: '2026-11-30T21:51:29.000Z', reason });
  return { ingested, lines, woken, events, under, watch, begin };
}

describe('an outage that was noted', () => {
  it('is printed once at its beginning and once at its end, and what waited goes on', async () => {
    const { lines, woken, events, under, watch, begin, ingested } = startUnderTest();
    await watch.look();
    expect(lines).toEqual([]);
    await begin();
    for (; under.seconds < 30; under.seconds++) await watch.look();
    expect(lines).toEqual([
      '! the warehouse refuses: password authentication failed (SQLSTATE 28P01), since 2026-11-30 21:51:29 UTC; waiting',
    ]);
    expect([watch.isOut('warehouse'), watch.isOut('source')]).toEqual([true, false]);
    // Each question is a login that the server refuses and logs.
    expect(under.asked).toBeLessThan(12);
    under.isAnswering = true;
    for (; under.seconds < 60; under.seconds++) await watch.look();
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^The warehouse is back after /);
    expect([woken, events]).toEqual([['warehouse'], ['Outage Ended']]);
    expect((await readOutage(ingested, 'warehouse'))?.endedAt).toBeDefined();
    expect(watch.isOut('warehouse')).toBe(false);
  });

  it('is ended by the next run where the process that noted it is dead', async () => {
    const { lines, under, watch, begin, ingested } = startUnderTest();
    await begin();
    under.isAnswering = true;
    await watch.look();
    expect((await readOutage(ingested, 'warehouse'))?.endedAt).toBeDefined();
    expect(lines).toHaveLength(1);
  });

  it('of a full disk is not over because the server takes a login', async () => {
    const { lines, under, watch, begin } = startUnderTest();
    await begin('could not extend file: No space left on device (SQLSTATE 53100)');
    under.isAnswering = true;
    for (; under.seconds < 30; under.seconds++) await watch.look();
    expect(lines).toHaveLength(1);
    expect(watch.isOut('warehouse')).toBe(true);
  });

  it('that begins again as soon as it has ended is asked after ever less often', async () => {
    const { lines, under, watch, begin } = startUnderTest();
    under.isAnswering = true;
    for (; under.seconds < 600; under.seconds++) {
      await begin();
      await watch.look();
    }
    expect(lines.length).toBeLessThan(60);
  });
});

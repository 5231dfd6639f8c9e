import { describe, expect, it } from '@jest/globals';
import type { Snapshot } from '../../../cli/console/answers/api.ts';
import { makeLiveFeed } from '../../../cli/console/live.ts';
import { seen } from '../../helpers/seen.ts';

/** A site that cannot be opened, for the reason that it has at each look. */
function makeClosedSite(isLive: () => boolean = () => true) {
  const site = { looks: 0, reason: 'the folder is gone' };
  return {
    site,
    look: {
      look: async (): Promise<never> => {
        site.looks += 1;
        throw new Error(site.reason);
      },
      isLive,
      close: async () => {},
    },
  };
}

describe('the snapshots that a page is sent', () => {
  it('come for as long as somebody listens, and say why there is no status', async () => {
    const { site, look } = makeClosedSite();
    const feed = makeLiveFeed(look, { maxLagSeconds: undefined, everyMs: 5 });
    const heard: Snapshot[] = [];
    const stop = feed.listen((snapshot) => heard.push(snapshot));
    await seen(() => heard.length >= 3);
    expect(heard[0]).toMatchObject({ status: null, error: 'the folder is gone', since: null });
    site.reason = 'the disk is full';
    await seen(() => heard.at(-1)?.error === 'the disk is full');
    expect(heard.at(-1)?.since).toMatch(/^\d{4}-.*Z$/);
    stop();
    const looked = site.looks;
    await new Promise((resolve) => setTimeout(resolve, 60));
    // One may have been under way.
    expect(site.looks).toBeLessThanOrEqual(looked + 1);
    const [again] = await new Promise<Snapshot[]>((resolve) => {
      const end = feed.listen((snapshot) => {
        resolve([snapshot]);
        queueMicrotask(() => end());
      });
    });
    expect(again?.error).toBe('the disk is full');
    feed.close();
  });

  it('come at once where they are asked for', async () => {
    const { site, look } = makeClosedSite();
    const feed = makeLiveFeed(look, { maxLagSeconds: undefined, everyMs: 3_600_000 });
    const stop = feed.listen(() => {});
    await seen(() => site.looks === 1);
    feed.refresh();
    await seen(() => site.looks === 2);
    stop();
    feed.close();
  });
});

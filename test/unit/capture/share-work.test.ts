import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { shareWork } from '../../../services/ingestion/plan/share-work.ts';

interface Item {
  name: number;
  fails?: boolean;
}

const itemsOf = (count: number): Item[] => Array.from({ length: count }, (_, name) => ({ name }));
const lend = (work: (client: string) => Promise<void>) => work('second');

/** Holds the first item of the first connection until the second one has been at work. */
const shared = async (
  items: Item[],
  withSecondConnection: (work: (client: string) => Promise<void>) => Promise<void> = lend,
  waitsForSecond = true,
) => {
  const done: [string, number][] = [];
  const secondAtWork = Promise.withResolvers<void>();
  await shareWork('first', {
    items,
    work: async (client: string, { name, fails }) => {
      if (client === 'second') secondAtWork.resolve();
      if (client === 'first' && name === 0 && waitsForSecond) await secondAtWork.promise;
      if (fails) throw new Error(`item ${name} on the ${client}`);
      done.push([client, name]);
    },
    withSecondConnection,
  });
  return done;
};

describe('work on two connections', () => {
  it('is done once for each item', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 12 }), async (count) => {
        const done = await shared(itemsOf(count));
        expect(done.map(([, name]) => name).sort((a, b) => a - b)).toEqual(
          itemsOf(count).map(({ name }) => name),
        );
        expect(new Set(done.map(([client]) => client))).toEqual(new Set(['first', 'second']));
      }),
      { numRuns: 10 },
    );
  });

  it('needs no second one where it is over soon', async () => {
    const withSecondConnection = () => Promise.reject(new Error('nobody asks'));
    expect(await shared(itemsOf(5), withSecondConnection, false)).toHaveLength(5);
  });

  it('is done on the first where there is no second to be had', async () => {
    const none = async (work: (client: string) => Promise<void>) => {
      void work;
      throw new Error('53300');
    };
    const done: number[] = [];
    await shareWork('first', {
      items: itemsOf(3),
      work: async (_client, { name }) => {
        await delay(40);
        done.push(name);
      },
      withSecondConnection: none,
    });
    expect(done).toEqual([0, 1, 2]);
  });

  it.each([0, 1, 2])('fails with item %i, after which no other one is begun', async (name) => {
    const items = itemsOf(6).map((item) => (item.name === name ? { ...item, fails: true } : item));
    await expect(shared(items)).rejects.toThrow(`item ${name} on the `);
  });
});

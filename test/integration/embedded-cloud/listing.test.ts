import {
  ListObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  PutObjectCommand,
  paginateListObjectsV2,
} from '@aws-sdk/client-s3';
import { afterAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SortedKeys, takePage } from '../../../cli/embedded/cloud/list-page.ts';
import { type CloudUnderTest, openCloud, removeFolders } from './cloud-under-test.ts';

async function openWith(keys: readonly string[]): Promise<CloudUnderTest> {
  const under = await openCloud({ buckets: ['zone'] });
  const queue = [...keys];
  const work = async () => {
    for (let Key = queue.pop(); Key !== undefined; Key = queue.pop()) {
      await under.s3.send(new PutObjectCommand({ Bucket: 'zone', Key, Body: Key }));
    }
  };
  await Promise.all(Array.from({ length: 8 }, work));
  return under;
}

async function listAll(under: CloudUnderTest, input: Partial<ListObjectsV2CommandInput> = {}) {
  const keys: string[] = [];
  const prefixes: string[] = [];
  let pages = 0;
  for await (const page of paginateListObjectsV2({ client: under.s3 }, { Bucket: 'zone', ...input })) {
    pages += 1;
    keys.push(...(page.Contents ?? []).map(({ Key }) => String(Key)));
    prefixes.push(...(page.CommonPrefixes ?? []).map(({ Prefix }) => String(Prefix)));
  }
  return { keys, prefixes, pages };
}

afterAll(removeFolders);

describe('a listing', () => {
  it('is in the order of UTF-8 bytes', async () => {
    const ordered = ['A', 'B', 'a', 'a-1', 'a.1', 'a/1', 'a1', 'aB', 'aa', 'é', '\uff5e', '😀'];
    await using under = await openWith([
      'aa',
      '😀',
      'a.1',
      'B',
      'aB',
      '\uff5e',
      'a/1',
      'é',
      'A',
      'a1',
      'a-1',
      'a',
    ]);
    expect((await listAll(under)).keys).toEqual(ordered);
    expect((await listAll(under, { MaxKeys: 1 })).keys).toEqual(ordered);
    expect((await listAll(under, { StartAfter: 'a.1' })).keys).toEqual(ordered.slice(5));
    const { Contents } = await under.s3.send(new ListObjectsCommand({ Bucket: 'zone' }));
    expect(Contents?.map(({ Key }) => Key)).toEqual(ordered);
  });

  it('goes over more than 1000 keys in pages, each key once', async () => {
    const keys = Array.from({ length: 1203 }, (_, i) => `t/${String(i).padStart(5, '0')}`);
    await using under = await openWith([...keys, 'other']);
    expect(await listAll(under, { Prefix: 't/' })).toEqual({ keys, prefixes: [], pages: 2 });
  });

  it('gives each common prefix once, however the pages fall', async () => {
    await using under = await openWith(['a', 'b/1', 'b/2', 'c', 'd/1', 'd/2/3', 'e<&>']);
    for (const MaxKeys of [1, 2, 3, 10]) {
      const { keys, prefixes } = await listAll(under, { Delimiter: '/', MaxKeys });
      expect({ keys, prefixes }).toEqual({ keys: ['a', 'c', 'e<&>'], prefixes: ['b/', 'd/'] });
    }
    expect((await listAll(under, { Delimiter: '/', Prefix: 'd/' })).prefixes).toEqual(['d/2/']);
  });

  it('tells size, etag and count', async () => {
    await using under = await openWith(['abc']);
    const page = await under.s3.send(new ListObjectsV2Command({ Bucket: 'zone' }));
    expect(page).toMatchObject({ KeyCount: 1, MaxKeys: 1000, IsTruncated: false });
    // The md5 of 'abc' as RFC 1321 prints it.
    expect(page.Contents?.[0]).toMatchObject({ Size: 3, ETag: '"900150983cd24fb0d6963f7d28e17f72"' });
  });

  it('of a bucket that is not there is refused', async () => {
    await using under = await openCloud();
    const listing = under.s3.send(new ListObjectsV2Command({ Bucket: 'nowhere' }));
    await expect(listing).rejects.toMatchObject({ name: 'NoSuchBucket' });
  });
});

describe('pages', () => {
  const someKey = fc.string({
    unit: fc.constantFrom('a', 'b', 'B', '/', '-', '😀', '\uffee'),
    minLength: 1,
    maxLength: 6,
  });

  it('together are the keys and groups that a plain sort by bytes gives', () => {
    const input = fc.record({
      keys: fc.array(someKey, { maxLength: 30 }),
      removed: fc.array(someKey, { maxLength: 5 }),
      prefix: fc.constantFrom('', 'a', 'a/', '😀'),
      delimiter: fc.constantFrom('', '/', '-'),
      maxKeys: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(input, ({ keys, removed, prefix, delimiter, maxKeys }) => {
        const sorted = new SortedKeys(keys.slice(0, 10));
        for (const key of keys.slice(10)) sorted.add(key);
        for (const key of removed) sorted.delete(key);
        const entries: string[] = [];
        for (let after: string | undefined = ''; after !== undefined; ) {
          const page = takePage(sorted, { prefix, delimiter, after, maxKeys });
          entries.push(...[...page.keys, ...page.commonPrefixes].sort(byBytes));
          after = page.next;
        }
        const left = keys.filter((key) => !removed.includes(key) && key.startsWith(prefix));
        const grouped = left.map((key) => {
          const rest = key.slice(prefix.length).split(delimiter === '' ? '\0' : delimiter);
          return rest.length === 1 ? key : `${prefix}${rest[0]}${delimiter}`;
        });
        expect(entries).toEqual([...new Set(grouped)].sort(byBytes));
      }),
      { numRuns: 300 },
    );
  });

  const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
});

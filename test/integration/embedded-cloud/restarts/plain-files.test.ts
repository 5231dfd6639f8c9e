import * as fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from '@jest/globals';
import { PlainFiles } from '../../../../cli/embedded/cloud/files/plain-files.ts';
import { makeFolder, removeFolders } from '../cloud-under-test.ts';
import { killBetweenAnyTwo, makeDyingFiles } from './dying-files.ts';

const key = 'sales_order/2026/11/30/20261130T120000000Z1a2b-0001.ndjson.zst';
const metadataOf = (text: string, name = key) => ({
  key: name,
  contentLength: Buffer.byteLength(text),
  text,
});
type Metadata = ReturnType<typeof metadataOf>;

let root: string;
afterAll(removeFolders);
beforeEach(() => {
  root = join(makeFolder(), 'zones');
});

function put(text: string, name = key): void {
  const files = new PlainFiles<Metadata>(root);
  files.makeBucket('ingested');
  files.put('ingested', Buffer.from(text), metadataOf(text, name));
}

/** What the next start finds: the texts in the metadata and in the files by key. They must be the same. */
function findAll(): Record<string, string> {
  const files = new PlainFiles<Metadata>(root);
  const all = files.load('ingested').map((metadata) => {
    expect(files.read('ingested', metadata.key).toString()).toBe(metadata.text);
    return [metadata.key, metadata.text];
  });
  return Object.fromEntries(all);
}

const filesOf = (folder: string): string[] =>
  fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .flatMap((entry) => (entry.isFile() ? [entry.name] : []));

function empty(): void {
  fs.rmSync(root, { recursive: true, force: true });
}

describe('a kill between any two calls', () => {
  it('of the first put of a key leaves the whole object or none', () => {
    const seen = new Set<string | undefined>();
    const kills = killBetweenAnyTwo(
      (calls) => {
        empty();
        const files = new PlainFiles<Metadata>(root, {}, calls);
        files.makeBucket('ingested');
        files.put('ingested', Buffer.from('one'), metadataOf('one'));
      },
      (isDone) => {
        const found = findAll()[key];
        seen.add(found);
        if (isDone) expect(found).toBe('one');
        expect(filesOf(root)).toHaveLength(found === undefined ? 0 : 2);
      },
    );
    expect(kills).toBeGreaterThan(8);
    expect(seen).toEqual(new Set([undefined, 'one']));
  });

  it.each([false, true])('of a later put leaves the old object or the new one (durable: %s)', (isDurable) => {
    const seen = new Set<string | undefined>();
    killBetweenAnyTwo(
      (calls) => {
        empty();
        put('the old one');
        new PlainFiles<Metadata>(root, {}, calls).put(
          'ingested',
          Buffer.from('new'),
          metadataOf('new'),
          isDurable,
        );
      },
      (isDone) => {
        const found = findAll()[key];
        seen.add(found);
        if (isDone) expect(found).toBe('new');
        expect(filesOf(root)).toHaveLength(2);
      },
    );
    expect(seen).toEqual(new Set(['the old one', 'new']));
  });

  it('of a removal leaves the whole object or none', () => {
    const seen = new Set<string | undefined>();
    killBetweenAnyTwo(
      (calls) => {
        empty();
        put('one');
        new PlainFiles<Metadata>(root, {}, calls).remove('ingested', key);
      },
      (isDone) => {
        const found = findAll()[key];
        seen.add(found);
        if (isDone) expect(found).toBeUndefined();
        expect(filesOf(root)).toHaveLength(found === undefined ? 0 : 2);
      },
    );
    expect(seen).toEqual(new Set(['one', undefined]));
  });

  it.each(Array.from({ length: 12 }, (_, calls) => calls))(
    'of the start that follows a put killed before its call %i changes nothing of what is found',
    (callsOfPut) => {
      const prepare = () => {
        empty();
        put('the old one');
        try {
          const dying = new PlainFiles<Metadata>(root, {}, makeDyingFiles(callsOfPut));
          dying.put('ingested', Buffer.from('new'), metadataOf('new'));
        } catch {
          // Killed.
        }
      };
      prepare();
      const expected = findAll();
      killBetweenAnyTwo(
        (calls) => {
          prepare();
          new PlainFiles<Metadata>(root, {}, calls).load('ingested');
        },
        () => {
          expect(findAll()).toEqual(expected);
          expect(filesOf(root)).toHaveLength(2);
        },
      );
    },
  );
});

describe('a folder of objects', () => {
  it('has each object as it is, at its key, and nothing else', () => {
    put('one');
    put('two', 'state/capture.json');
    const bucket = join(root, 'ingested');
    expect(fs.readFileSync(join(bucket, key), 'utf8')).toBe('one');
    expect(fs.readFileSync(join(bucket, 'state/capture.json'), 'utf8')).toBe('two');
    expect(filesOf(bucket)).toHaveLength(2);
    expect(fs.statSync(join(bucket, key)).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['a file and the folder of another', ['a', 'a/b', 'a/b.c', 'a/b.c/d.e']],
    ['a way out', ['../x.y', 'a/../x.y', './x.y', '/x.y', '.metadata/x.y', '.other/x.y', 'x.y']],
    ['hidden', ['.x', '.x.y', 'a/.x.y', '.a/x.y']],
    ['long', [`${'a'.repeat(300)}.b`, `${'b/'.repeat(600)}c.d`, `${'a'.repeat(300)}.c`]],
    ['no path', ['', '/', 'a//b.c', 'a b.c', 'ä.b', 'a\u0000.b', 'a/b.', 'a:b.c']],
  ])('keeps keys apart that would be %s', (_what, keys) => {
    for (const each of keys) put(`text of ${each}`, each);
    expect(findAll()).toEqual(Object.fromEntries(keys.map((each) => [each, `text of ${each}`])));
    expect(fs.readdirSync(root).toSorted()).toEqual(['.metadata', '.unfinished', 'ingested']);
  });

  it('may be looked at by programs that leave hidden files in it', () => {
    put('one');
    fs.writeFileSync(join(root, 'ingested', '.DS_Store'), 'x');
    expect(findAll()).toEqual({ [key]: 'one' });
  });

  it('forgets an object whose file somebody has removed', () => {
    put('one');
    fs.rmSync(join(root, 'ingested', key));
    expect(findAll()).toEqual({});
    expect(filesOf(root)).toEqual([]);
  });

  it.each([
    ['cut short', key, (bytes: Buffer) => bytes.subarray(0, -1)],
    ['empty', key, () => Buffer.alloc(0)],
    ['without whole metadata', `../.metadata/ingested/${key}.json`, (bytes: Buffer) => bytes.subarray(0, -9)],
    ['without any metadata', `../.metadata/ingested/${key}.json`, () => Buffer.alloc(0)],
    [
      'another one by its metadata',
      `../.metadata/ingested/${key}.json`,
      (bytes: Buffer) => {
        return Buffer.from(bytes.toString().replace('sales_order', 'design'));
      },
    ],
  ])('with an object that is %s stops the start, which names the file', (_what, name, damage) => {
    put('one');
    const path = join(root, 'ingested', name);
    fs.writeFileSync(path, damage(fs.readFileSync(path)));
    expect(findAll).toThrow(
      `${path} is not a whole object, which only a power loss or an edit can cause; remove it`,
    );
    fs.rmSync(path);
  });

  it('with a file that is no object stops the start, which names the file', () => {
    put('one');
    const path = join(root, 'ingested', 'design', 'notes.txt');
    fs.mkdirSync(join(root, 'ingested', 'design'));
    fs.writeFileSync(path, 'x');
    expect(findAll).toThrow(
      `${path} is not an object of Starlift: it has no metadata in ${root}/.metadata/ingested/design/notes.txt.json`,
    );
    expect(findAll).toThrow('move it out of the folder');
  });
});

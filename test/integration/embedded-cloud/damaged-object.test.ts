import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from '@jest/globals';
import { makeObjectStore } from '../../../shared/object-store/object-store.ts';
import { makeFolder, openCloud, removeFolders } from './cloud-under-test.ts';

afterAll(removeFolders);

it('an object whose bytes were changed behind the back of the store is named', async () => {
  const dataDir = makeFolder();
  await using under = await openCloud({ buckets: ['zone'], queues: [], dataDir });
  const store = makeObjectStore(under.s3, 'zone');
  await store.create('state/capture.json', Buffer.from('{"generation":"12"}'));
  for (const name of readdirSync(dataDir, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('capture.json')) continue;
    const path = join(dataDir, name);
    writeFileSync(path, readFileSync(path, 'latin1').replace('"12"', '"21"'), 'latin1');
  }
  await expect(store.get('state/capture.json')).rejects.toMatchObject({
    name: 'TransientError',
    key: 'state/capture.json',
    message: 'zone/state/capture.json is damaged: its bytes do not match its checksum',
  });
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  makeCredentials,
  readCredentials,
  writeCredentials,
} from '../../../cli/embedded/postgres/credentials.ts';

describe('the credentials of a data folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'starlift-credentials-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('are read as they were written', async () => {
    const credentials = makeCredentials();
    await writeCredentials(folder, credentials);
    expect(await readCredentials(folder)).toEqual(credentials);
  });

  it('keep the names that the source has in a folder of an earlier version', async () => {
    const passwords = { starlift: 'a', business: 'b', business_reader: 'c', warehouse: 'd' };
    await writeFile(join(folder, 'postgres.json'), JSON.stringify(passwords));
    expect(await readCredentials(folder)).toEqual({
      starlift: { role: 'starlift', password: 'a' },
      source: { role: 'business', password: 'b' },
      reader: { role: 'business_reader', password: 'c' },
      warehouse: { role: 'warehouse', password: 'd' },
    });
  });

  it('are damaged where one is missing', async () => {
    await writeFile(join(folder, 'postgres.json'), JSON.stringify({ starlift: 'a', warehouse: 'd' }));
    await expect(readCredentials(folder)).rejects.toThrow(/postgres\.json is damaged/);
  });
});

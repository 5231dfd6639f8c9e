import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { GetObjectCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type CloudUnderTest, makeFolder, openCloud, receive, removeFolders } from '../cloud-under-test.ts';
import { cloudOptions } from './killed-cloud-options.ts';

/** Kills the putting process after `answers` answered puts, in the middle of the next ones. */
async function putUntilKilled(dataDir: string, round: number, answers: number): Promise<string[]> {
  const script = join(import.meta.dirname, 'put-until-killed.ts');
  const child = spawn(process.execPath, ['--no-warnings', script, dataDir, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  const answered: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    answered.push(line);
    if (answered.length === answers) child.kill('SIGKILL');
  }
  await closed;
  return answered;
}

async function brokenObjects({ s3 }: CloudUnderTest, keys: readonly string[]): Promise<string[]> {
  const broken: string[] = [];
  for (const Key of keys) {
    const { Body, Metadata } = await s3.send(new GetObjectCommand({ Bucket: 'ingested', Key }));
    const bytes = (await Body?.transformToByteArray()) ?? new Uint8Array();
    if (createHash('sha256').update(bytes).digest('hex') !== Metadata?.sha256) broken.push(Key);
  }
  return broken;
}

async function notifiedKeys(under: CloudUnderTest): Promise<string[]> {
  const keys: string[] = [];
  for (;;) {
    const messages = await receive(under, 'transform');
    if (messages.length === 0) return keys;
    keys.push(...messages.flatMap(({ Body }) => /"key":"([^"]+)"/.exec(Body ?? '')?.[1] ?? []));
  }
}

afterAll(removeFolders);

describe('after a kill', () => {
  it('every object is whole, none that was answered is missing, and each has its event', async () => {
    const dataDir = makeFolder();
    const answered: string[] = [];
    for (const [round, answers] of [3, 8, 13, 6].entries()) {
      answered.push(...(await putUntilKilled(dataDir, round, answers)));
    }
    await using under = await openCloud({ ...cloudOptions, dataDir });
    const { Contents } = await under.s3.send(new ListObjectsV2Command({ Bucket: 'ingested' }));
    const keys = (Contents ?? []).map(({ Key }) => String(Key));
    expect(answered.length).toBeGreaterThanOrEqual(30);
    expect(keys).toEqual(expect.arrayContaining([...new Set(answered)]));
    expect(await brokenObjects(under, keys)).toEqual([]);
    expect(await notifiedKeys(under)).toEqual(
      expect.arrayContaining(keys.filter((key) => key !== 'state.json')),
    );
    const files = fs.readdirSync(join(dataDir, 'zones'), { recursive: true, withFileTypes: true });
    expect(files.filter((file) => file.isFile())).toHaveLength(2 * keys.length);
  });

  it('what was in flight is deliverable at once, as if it had never been received', async () => {
    const dataDir = makeFolder();
    await putUntilKilled(dataDir, 0, 1);
    await using under = await openCloud({ ...cloudOptions, dataDir });
    const [message, ...others] = await receive(under, 'extract');
    expect(others).toEqual([]);
    expect(message).toMatchObject({ Body: 'in flight 0', Attributes: { ApproximateReceiveCount: '1' } });
  });
});

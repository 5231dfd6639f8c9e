import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, expect, it, jest } from '@jest/globals';
import { parse } from 'yaml';
import { buckets, expiry } from '../../../cli/embedded/resources.ts';
import { type Stack, startStack } from '../../../cli/embedded/stack.ts';
import { hasAny } from '../../../shared/object-store/object-store.ts';
import { makeFolder, removeFolders } from './cloud-under-test.ts';

afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});
afterAll(removeFolders);

const realNow = Date.now.bind(Date);
const inDays = (days: number) => {
  jest.spyOn(Date, 'now').mockImplementation(() => realNow() + days * 86_400_000);
};

const note = 'state/empty/20260101T0000000000Z0000/0000.json';
const told = 'state/told/a.json';
const kept = ['state/runs/20260101T0000000000Z0000.json', 'item/2026/01/01/a-0000.ndjson.zst'];

/** Neither database is asked for anything. */
const start = (data: string) =>
  startStack({ data, source: 'postgresql://a@127.0.0.1:1/a', warehouse: 'postgresql://a@127.0.0.1:1/b' });

const left = async ({ ingested }: Stack) => {
  const keys: string[] = [];
  for await (const { key } of ingested.list('')) keys.push(key);
  return keys.sort();
};

async function until(isDone: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 30_000;
  while (!(await isDone())) {
    if (performance.now() > deadline) throw new Error('nothing has expired');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

it('a data folder forgets what a stage forgets, after as many days, and nothing else', async () => {
  const data = makeFolder();
  const first = await start(data);
  for (const key of [note, told, ...kept]) await first.ingested.put(key, Buffer.from('{}'));
  await first.stop();

  inDays(1.1);
  const second = await start(data);
  await until(async () => !(await hasAny(second.ingested, told)));
  expect(await left(second)).toEqual([note, ...kept].sort());
  await second.stop();

  inDays(30.1);
  const third = await start(data);
  await until(async () => !(await hasAny(third.ingested, note)));
  expect(await left(third)).toEqual([...kept].sort());
  await third.stop();
  for (const folder of ['', '.metadata']) {
    expect(existsSync(join(data, 'zones', folder, 'ingested', 'state/empty'))).toBe(false);
    expect(existsSync(join(data, 'zones', folder, 'ingested', 'state/runs'))).toBe(true);
  }
});

it('a stack that runs for long forgets every hour', async () => {
  jest.useFakeTimers({
    doNotFake: ['Date', 'hrtime', 'nextTick', 'performance', 'queueMicrotask', 'setImmediate', 'setTimeout'],
  });
  const stack = await start(makeFolder());
  await stack.ingested.put(told, Buffer.from('{}'));
  inDays(1.1);
  jest.advanceTimersByTime(3_500_000);
  expect(await left(stack)).toEqual([told]);
  jest.advanceTimersByTime(200_000);
  await until(async () => (await left(stack)).length === 0);
  await stack.stop();
});

it('what a data folder forgets is what the template of a stage says', async () => {
  const { lifecycle } = parse(await readFile('services/common.yml', 'utf8')) as {
    lifecycle: { Rules: { Prefix?: string; ExpirationInDays?: number }[] };
  };
  const rules = lifecycle.Rules.flatMap(({ Prefix: prefix, ExpirationInDays: days }) =>
    prefix === undefined || days === undefined ? [] : [{ bucket: buckets.ingested, prefix, days }],
  );
  expect(expiry).toEqual(rules);
});

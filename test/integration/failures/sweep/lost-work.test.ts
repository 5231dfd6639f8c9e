import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { findLostWork, type ResumeFacts } from '../../../../cli/run/resume.ts';
import { totesys } from '../../../helpers/models/totesys.ts';
import { type LossyZones, openLossyZones } from './lossy-zones.ts';

const day = '2024/02/29';
const run = '20240229T100000000Z00aa';
const later = '20240229T110000000Z00bb';
const ingestedKey = (table: string, slice: string, of = run) => `${table}/${day}/${of}-${slice}.ndjson.zst`;
const processedKey = (table: string, slice: string, revision: number, of = run) =>
  `${table}/${day}/${of}-${slice}-r${revision}.parquet`;

describe('the work that the queues may have lost', () => {
  let zones: LossyZones;
  const put: [zone: 'ingested' | 'processed', key: string][] = [];
  beforeAll(async () => {
    zones = await openLossyZones();
  });
  afterAll(() => zones?.stop());
  beforeEach(async () => {
    await putState({});
    await putRun(run, {});
  });
  afterEach(async () => {
    for (const [zone, key] of put.splice(0)) await zones[zone].delete(key);
  });

  async function putObject(zone: 'ingested' | 'processed', key: string, content: unknown = 0): Promise<void> {
    await zones[zone].put(key, Buffer.from(JSON.stringify(content)));
    put.push([zone, key]);
  }
  const putIngested = (...keys: string[]) => Promise.all(keys.map((key) => putObject('ingested', key)));

  /** As the plan leaves it: see docs/design.md. */
  const putState = (changes: Record<string, unknown>) =>
    putObject('ingested', 'state/capture.json', {
      version: 1,
      generation: '7',
      identity: 'server',
      tables: {},
      captured: { base: '100', inProgress: [] },
      plannedAt: '2024-02-29T12:00:00.000Z',
      ...changes,
    });
  const putRun = (id: string, changes: Record<string, unknown>) =>
    putObject('ingested', `state/runs/${id}.json`, {
      version: 1,
      run: id,
      generation: '7',
      failures: [],
      warnings: [],
      plannedAt: '2024-02-29T10:00:00.000Z',
      since: '2024-02-29T09:00:00.000Z',
      slices: [
        { slice: '0000', table: 'currency', full: true },
        { slice: '0001', table: 'payment', full: false },
      ],
      messages: {
        identity: 'server',
        plannedXmax: '100',
        newRows: { since: '90', inProgress: ['88'] },
        fileNodes: { payment: '4711' },
        blocks: { '0001': { from: 0, to: 64 } },
      },
      ...changes,
    });

  const find = (facts: Partial<ResumeFacts> = {}) =>
    findLostWork({
      ingested: zones.ingested,
      processed: zones.processed,
      model: totesys,
      loadedKeys: new Set<string>(),
      deadKeys: new Set<string>(),
      queuedSlices: [],
      ...facts,
    });
  const lostSlices = async (facts: Partial<ResumeFacts> = {}): Promise<string[]> =>
    (await find(facts)).extracts.map(({ body }) => {
      const { run: of, slice } = JSON.parse(body) as { run: string; slice: string };
      return `${of}-${slice}`;
    });

  it('includes the slices without object, failure or message, each with the message that was sent', async () => {
    const common = { version: 1, run, generation: '7', identity: 'server', plannedXmax: '100' };
    expect((await find()).extracts.map(({ body }) => JSON.parse(body))).toEqual([
      { ...common, slice: '0000', table: 'currency' },
      {
        ...common,
        slice: '0001',
        table: 'payment',
        newRows: { since: '90', inProgress: ['88'] },
        blocks: { from: 0, to: 64 },
        fileNode: '4711',
      },
    ]);
  });

  it.each([
    ['is ingested', [ingestedKey('payment', '0001')], ['0000']],
    ['is cut, and one half is ingested', [ingestedKey('payment', '0001.0')], ['0000', '0001']],
    [
      'is cut, and both halves are ingested, one in halves of its own',
      ['0001.1', '0001.0.0', '0001.0.1'].map((slice) => ingestedKey('payment', slice)),
      ['0000'],
    ],
    ["has another table's object only", [ingestedKey('staff', '0001')], ['0000', '0001']],
    ["has another run's object only", [ingestedKey('payment', '0001', later)], ['0000', '0001']],
    ['has failed', [`failed/${run}-0001.json`], ['0000']],
    [
      'is cut, and its halves are ingested and failed',
      [ingestedKey('payment', '0001.0'), `failed/${run}-0001.1.json`],
      ['0000'],
    ],
  ])('leaves out what is done of a slice that %s', async (_what, keys, expected) => {
    await putIngested(...keys);
    expect(await lostSlices()).toEqual(expected.map((slice) => `${run}-${slice}`));
  });

  it('includes no slice with a message on the extract queue or its dead-letter queue', async () => {
    await putIngested(ingestedKey('currency', '0000.0'));
    const queuedSlices = [
      { run, slice: '0000.1', table: 'currency' },
      { run, slice: '0001', table: 'payment' },
    ];
    expect(await lostSlices({ queuedSlices })).toEqual([]);
    expect(await lostSlices({ queuedSlices: queuedSlices.slice(1) })).toEqual([`${run}-0000`]);
  });

  it.each([
    ['of an earlier generation', { generation: '6' }, []],
    ['that came to nothing, and is planned anew by the next one', { since: '2024-02-29T12:00:00.000Z' }, []],
    ['of a version that kept no messages', { messages: undefined }, []],
  ])('includes no slice of a run %s', async (_what, changes, expected) => {
    await putRun(run, changes);
    expect(await lostSlices()).toEqual(expected);
  });

  it('includes no slice of a run that a later run has planned again', async () => {
    await putRun(later, { slices: [{ slice: '0003', table: 'currency', full: true }] });
    expect(await lostSlices()).toEqual([`${later}-0003`]);
    await putRun(later, {
      slices: [{ slice: '0003', table: 'currency', full: true }],
      since: '2024-02-29T10:00:00.000Z',
    });
    expect(await lostSlices()).toEqual([`${run}-0000`, `${run}-0001`, `${later}-0003`]);
  });

  it('includes no slice of a run that a sweep has settled, except where the sweep sent slices again', async () => {
    await putObject('ingested', 'state/swept-runs.json', { version: 1, until: run, again: [] });
    expect(await lostSlices()).toEqual([]);
    const again = [{ run, sentAt: '2024-02-29T13:00:00.000Z' }];
    await putObject('ingested', 'state/swept-runs.json', { version: 1, until: run, again });
    expect(await lostSlices()).toEqual([`${run}-0000`, `${run}-0001`]);
  });

  it('includes no slice of a run more than an hour older than one that left the queues empty', async () => {
    expect(await lostSlices({ throughRun: '20240229T105959999Z00cc' })).toEqual([
      `${run}-0000`,
      `${run}-0001`,
    ]);
    expect(await lostSlices({ throughRun: '20240229T110000001Z00cc' })).toEqual([]);
  });

  it('is nothing before the first complete plan', async () => {
    await zones.ingested.delete('state/capture.json');
    expect(await lostSlices()).toEqual([]);
  });

  it('includes a failed extract that was redriven and is on no queue', async () => {
    const body = JSON.stringify({ run, slice: '0001', table: 'payment' });
    const failed = { body, failedAt: '2024-02-29T10:05:00.000Z', error: 'TerminalError', reason: 'no' };
    await putIngested(ingestedKey('currency', '0000'));
    await putObject('ingested', `failed/${run}-0001.json`, failed);
    expect((await find()).extracts).toEqual([]);
    await putObject('ingested', `failed/${run}-0001.json`, { ...failed, redrivenAt: '2024-02-29T11:00:00Z' });
    expect((await find()).extracts).toEqual([
      { body, attributes: { failedAt: { DataType: 'String', StringValue: failed.failedAt } } },
    ]);
    expect(await lostSlices({ queuedSlices: [{ run, slice: '0001', table: 'payment' }] })).toEqual([]);
  });

  it.each([
    ['nothing is loaded of', [], [], 0],
    ['the first revision is in the ledger of', ['fact_payment 0'], [], 1],
    ['several revisions are in the ledger of', ['fact_payment 0', 'fact_payment 2', 'fact_payment 1'], [], 3],
    ["its dates' revision is greater in the ledger of", ['fact_payment 0', 'dim_date 4'], [], 5],
    ['a revision of the clock is in the ledger of', ['fact_payment 206000000'], [], 206000001],
    ['its dates are still there of', ['fact_payment 0', 'dim_date 0'], ['dim_date 0'], 1],
  ])(
    'includes an ingested object without its processed one, with the least revision, when %s it',
    async (_what, ledger, there, least) => {
      const keyOf = (each: string) => {
        const [table = '', revision] = each.split(' ');
        return processedKey(table, '0001', Number(revision));
      };
      await putIngested(ingestedKey('currency', '0000'), ingestedKey('payment', '0001'));
      const currency = processedKey('dim_currency', '0000', 3);
      for (const key of [currency, ...there.map(keyOf)]) await putObject('processed', key);
      const loadedKeys = new Set([currency, ...ledger.map(keyOf), processedKey('fact_payment', '0009', 9)]);
      expect(await find({ loadedKeys })).toEqual({
        extracts: [],
        transforms: [{ key: ingestedKey('payment', '0001'), leastRevision: least }],
        loads: [],
      });
    },
  );

  it('includes a processed object that the ledger lacks, unless it is a dead letter', async () => {
    await putIngested(ingestedKey('currency', '0000'), ingestedKey('payment', '0001'));
    const keys = [processedKey('dim_currency', '0000', 0), processedKey('fact_payment', '0001', 1)];
    for (const key of keys) await putObject('processed', key);
    expect(await find()).toEqual({ extracts: [], transforms: [], loads: keys });
    expect((await find({ deadKeys: new Set(keys.slice(1)) })).loads).toEqual(keys.slice(0, 1));
  });
});

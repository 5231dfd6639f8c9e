import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ZoneObject } from '../../../cli/objects/list-objects.ts';
import type { ListedRuns } from '../../../cli/runs/list-runs.ts';
import type { ShownRun } from '../../../cli/runs/show-run.ts';
import { readParquetRows } from '../../helpers/rows/parquet-rows.ts';
import { OperatedStack } from './operated-stack.ts';

describe('what lies in the zones', () => {
  let stack: OperatedStack;
  /** Of a change of two payments. */
  let run: string;
  beforeAll(async () => {
    stack = await OperatedStack.startLoaded();
    await stack.source('update payment set paid = not paid, last_updated = now() where payment_id in (3, 4)');
    run = (await stack.run()).run;
  });
  afterAll(() => stack?.stop());

  const objects = async (...args: string[]) =>
    (await stack.json<{ objects: ZoneObject[]; hasMore: boolean }>('objects', ...args)).objects;

  it('is listed by table, run and zone, the newest run first', async () => {
    const ofRun = await objects('--run', run);
    expect(ofRun.map(({ zone, table, rows }) => [zone, table, rows])).toEqual([
      ['ingested', 'payment', 2],
      ['processed', 'dim_date', expect.any(Number)],
      ['processed', 'fact_payment', 2],
    ]);
    const ofTable = await objects('--table', 'payment', '--zone', 'processed');
    expect(new Set(ofTable.map(({ table }) => table))).toEqual(new Set(['fact_payment']));
    expect(ofTable[0]?.run).toBe(run);
    expect(ofTable.reduce((sum, { rows }) => sum + (rows ?? 0), 0)).toBe(
      (await stack.warehouse<{ rows: number }>('select count(*)::int as rows from fact_payment'))[0]?.rows,
    );
    const listed = await stack.json<{ objects: ZoneObject[]; hasMore: boolean }>('objects', '--limit', '1');
    expect([listed.objects.length, listed.hasMore]).toEqual([1, true]);
    const { text } = await stack.command('objects', '--run', run);
    expect(text).toContain(`${ofRun[0]?.key}\n`);
    expect(text).toContain(`npx starlift cat ${ofRun[0]?.key} --limit 5 --data ${stack.data}`);
  });

  it('prints as lines: NDJSON as it is, and Parquet as another reader of it has the rows', async () => {
    const [ingested, , processed] = await objects('--run', run);
    const object = await stack.site.ingested.get(ingested?.key ?? '');
    const text = await promisify(zstdDecompress)(object?.body ?? new Uint8Array());
    expect((await stack.command('cat', ingested?.key ?? '')).text).toBe(text.toString());
    expect((await stack.command('cat', ingested?.key ?? '', '--limit', '1')).text).toBe(
      `${text.toString().split('\n')[0]}\n`,
    );
    const parquet = await stack.site.processed.get(processed?.key ?? '');
    const { lines, rows } = await stack.json<{ lines: Record<string, unknown>[]; rows: number }>(
      'cat',
      processed?.key ?? '',
    );
    expect(rows).toBe(2);
    const another = await readParquetRows(parquet?.body ?? new Uint8Array());
    expect(lines).toEqual(
      another.map((row) => ({
        ...row,
        payment_amount: Number(row.payment_amount),
        created_time: String(row.created_time).replace(/\.?0+$/, ''),
        last_updated_time: String(row.last_updated_time).replace(/\.?0+$/, ''),
      })),
    );
  });

  it('refuses a key that is none, or that no object has', async () => {
    await expect(stack.command('cat', 'payment')).rejects.toMatchObject({
      exitCode: 2,
      message: 'payment is not the key of an object: starlift objects lists them',
    });
    const gone = 'payment/2020/01/01/20200101T000000000Z0000-0000.ndjson.zst';
    await expect(stack.command('cat', gone)).rejects.toMatchObject({
      exitCode: 2,
      message: `the ingested zone has no object ${gone}`,
    });
    await expect(stack.command('objects', '--run', 'last')).rejects.toMatchObject({ exitCode: 2 });
    await expect(stack.command('objects', '--limit', '0')).rejects.toThrow('--limit 0 is not a whole number');
  });

  it('is of runs, each with what came of it', async () => {
    const { runs, warehouse, code } = await stack.json<ListedRuns>('runs');
    expect([code, warehouse, runs.length]).toEqual([0, null, 2]);
    expect(runs[0]).toMatchObject({ run, slices: 1, tables: ['payment'], failures: 0, loadedObjects: 2 });
    expect(runs[1]?.tables).toHaveLength(11);
    expect((await stack.json<ListedRuns>('runs', '--limit', '1')).runs).toHaveLength(1);
    const shown = await stack.json<ShownRun>('runs', 'show', 'last');
    expect(shown).toMatchObject({
      run,
      since: expect.stringMatching(/Z$/),
      failures: [],
      steps: [
        { step: 'extract', objects: 1, rows: 2, retrying: 0, failed: 0 },
        { step: 'transform', objects: 2 },
        { step: 'load', objects: 2, bytes: null },
      ],
      tables: [
        { table: 'fact_payment', source: 'payment', full: false, slices: 1, extractedRows: 2, loadedRows: 2 },
      ],
    });
    for (const { seconds } of shown.steps) expect(seconds).toBeGreaterThanOrEqual(0);
    expect(await stack.json<ShownRun>('runs', 'show', run)).toEqual(shown);
    const { text } = await stack.command('runs', 'show', run);
    expect(text).toMatch(/^ extract +\| +1 \| +2 \|/m);
    await expect(stack.command('runs', 'show', '20200101T000000000Z0000')).rejects.toThrow(
      'there is no run 2020',
    );
    await expect(stack.command('runs', 'drop')).rejects.toMatchObject({ exitCode: 2 });
  });
});

describe('the steps of a run', () => {
  let stack: OperatedStack;
  beforeAll(async () => {
    stack = await OperatedStack.startLoaded();
  });
  afterAll(() => stack?.stop());

  it('count messages that have failed', async () => {
    await stack.warehouse('alter table dim_design add constraint none check (false) not valid');
    await stack.source(`update design set file_name = 'x', last_updated = now() where design_id = 2`);
    const failed = (await stack.run()).run;
    const { steps } = await stack.json<ShownRun>('runs', 'show', failed);
    expect(steps.map(({ step, objects: count, failed: letters }) => [step, count, letters])).toEqual([
      ['extract', 1, 0],
      ['transform', 1, 0],
      ['load', 0, 1],
    ]);
  });
});

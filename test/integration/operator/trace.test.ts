import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Trace } from '../../../cli/trace/trace.ts';
import { traceRow } from '../../../cli/trace/trace-row.ts';
import { parseTracedKey } from '../../../cli/trace/traced-key.ts';
import { captureStateKey } from '../../../shared/object-store/object-key.ts';
import { inSession, runUntilDeleted } from './in-session.ts';
import { OperatedStack } from './operated-stack.ts';

/** Each test has rows of its own. */
describe('the trace of a row', () => {
  let stack: OperatedStack;
  beforeAll(async () => {
    stack = await OperatedStack.startLoaded();
  });
  afterAll(() => stack?.stop());

  const trace = (...args: string[]) => stack.json<Trace>('trace', ...args);
  const command = (line: string) => `npx starlift ${line} --data ${stack.data}`;
  const tracedKey = (name: string, key: string) =>
    parseTracedKey({ name, key, where: undefined }, stack.site.model);

  it('that landed has what it came by, and its line in both zones', async () => {
    const found = await trace('sales_order', '11');
    expect(found).toMatchObject({
      code: 0,
      ok: true,
      table: 'fact_sales_order',
      source: 'sales_order',
      key: { sales_order_id: '11' },
      verdict: { kind: 'same', command: null },
      unanswered: [],
      waiting: [],
      quarantine: [],
      failures: [],
    });
    const [version, ...others] = found.versions;
    expect(others).toEqual([]);
    expect(version?.isCurrent).toBe(true);
    expect(version?.row).toEqual(found.sourceRow);
    const [row] = await stack.source<Record<string, unknown>>(
      `select staff_id, unit_price::text, to_char(last_updated, 'HH24:MI:SS.US') as time from sales_order where sales_order_id = 11`,
    );
    expect(found.sourceRow).toMatchObject({
      sales_staff_id: String(row?.staff_id),
      unit_price: row?.unit_price,
    });
    const [entry] = await stack.warehouse<Record<string, unknown>>(`
      select key, run, slice, snapshot_xmax::text from fact_sales_order join starlift.object on object_id = _object_id
       where sales_order_id = 11`);
    const object = version?.object;
    expect(object).toMatchObject({
      key: entry?.key,
      run: entry?.run,
      slice: entry?.slice,
      revision: 0,
      snapshot: { xmax: entry?.snapshot_xmax },
      reloadedAt: null,
    });
    const times = [object?.plannedAt, object?.extractedAt, object?.transformedAt, object?.loadedAt].map(
      (time) => Date.parse(time ?? ''),
    );
    // S3 keeps whole seconds.
    const seconds = times.map((time) => Math.floor(time / 1000));
    expect(seconds).toEqual(seconds.toSorted((a, b) => a - b));
    expect(JSON.parse(object?.ingestedLine?.text ?? '{}')).toMatchObject({ sales_order_id: 11 });
    expect(JSON.parse(object?.processedLine?.text ?? '{}')).toMatchObject({
      sales_order_id: 11,
      sales_staff_id: row?.staff_id,
      last_updated_time: String(row?.time).replace(/\.?0+$/, ''),
    });
    const { text } = await stack.command('trace', 'fact_sales_order', '11');
    expect(text).toMatch(/^= fact_sales_order, sales_order_id 11: the warehouse has what the source has\n/);
    expect(text).toContain(
      `    ${entry?.key}\n      line ${object?.processedLine?.line}: {"sales_order_id":11,`,
    );
  });

  it('that the source has written since is late, and then has two versions', async () => {
    await stack.source(`update payment set payment_amount = 1, last_updated = now() where payment_id = 21`);
    const late = await trace('fact_payment', '21');
    expect(late).toMatchObject({ code: 0, verdict: { kind: 'late', command: command('status') } });
    expect(late.verdict.lateSeconds).toBeGreaterThanOrEqual(0);
    expect(late.sourceRow).toMatchObject({ payment_amount: '1.00' });
    await stack.run();
    const same = await trace('fact_payment', '21');
    expect(same.verdict.kind).toBe('same');
    expect(same.versions.map(({ isCurrent }) => isCurrent)).toEqual([true, false]);
    expect(same.versions[0]?.row).toMatchObject({ payment_amount: '1.00' });
    expect(same.versions[0]?.object?.run).not.toBe(same.versions[1]?.object?.run);
  });

  it('that waits names the row that it waits for, and the command that ends the wait', async () => {
    await stack.source(`
      alter table payment drop constraint payment_currency_id_fkey;
      update payment set currency_id = 77, last_updated = now() where payment_id = 22`);
    await stack.run();
    expect(await trace('payment', '22')).toMatchObject({
      code: 1,
      verdict: {
        kind: 'waiting',
        text: 'it waits for dim_currency 77 (which the source does not have)',
        command: command('waiting --drop --table fact_payment'),
      },
      waiting: [
        {
          row: { currency_id: '77' },
          waitsFor: [{ dimension: 'dim_currency', key: '77', cause: 'deleted' }],
        },
      ],
    });
  });

  it('that is in quarantine has its reason', async () => {
    await stack.source(
      `update sales_order set agreed_delivery_date = 'soon', last_updated = now() where sales_order_id = 23`,
    );
    await stack.run();
    const found = await trace('fact_sales_order', '23');
    expect(found).toMatchObject({
      code: 1,
      verdict: {
        kind: 'quarantined',
        text: expect.stringMatching(/^it broke the contract: agreed_delivery_date .*date/),
        command: command('quarantine release --table fact_sales_order'),
      },
      quarantine: [{ column: 'agreed_delivery_date', line: 1 }],
    });
  });

  it('that is gone from the source says so', async () => {
    await stack.source('delete from payment where payment_id = 24');
    expect(await trace('fact_payment', '24')).toMatchObject({
      code: 1,
      sourceRow: null,
      verdict: {
        kind: 'deleted',
        text: 'the source no longer has it; fact_payment has what was captured before',
      },
      versions: [{ row: { payment_id: '24' } }],
    });
  });

  it('that was deleted in the source names the census that has marked it, and is well', async () => {
    await inSession(stack, 'delete from payment where payment_id = 30');
    await runUntilDeleted(stack);
    const found = await trace('fact_payment', '30');
    const [entry] = await stack.warehouse<{ key: string; run: string }>(
      `select key, run from fact_payment join starlift.object o on o.object_id = _deleted_by where payment_id = 30`,
    );
    const isoTime = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(entry?.key).toMatch(/^\.census\/fact_payment\//);
    expect(found).toMatchObject({
      code: 0,
      ok: true,
      sourceRow: null,
      verdict: {
        kind: 'deleted',
        text: expect.stringContaining(`it was deleted in the source: the census ${entry?.run} of `),
        command: null,
      },
      versions: [{ isCurrent: false, deleted: { key: entry?.key, run: entry?.run, appliedAt: isoTime } }],
    });
    const { text } = await stack.command('trace', 'fact_payment', '30');
    expect(text).toMatch(new RegExp(`\n  marked as deleted at .* UTC, by ${entry?.key}\n`));
  });

  it('that is marked although the source has it is different', async () => {
    await stack.warehouse('update fact_payment set _deleted_by = 1 where payment_id = 32');
    expect(await trace('fact_payment', '32')).toMatchObject({
      code: 1,
      verdict: {
        kind: 'different',
        text: expect.stringContaining('the ledger does not know the census that has marked it'),
        command: command('resync --table fact_payment'),
      },
      versions: [{ isCurrent: false, deleted: { key: null, appliedAt: null } }],
    });
  });

  it('that somebody has changed in the warehouse differs, by its columns', async () => {
    await stack.warehouse(
      'update fact_payment set payment_amount = 3, paid = not paid where payment_id = 25',
    );
    expect(await trace('fact_payment', '25')).toMatchObject({
      code: 1,
      verdict: {
        kind: 'different',
        columns: ['payment_amount', 'paid'],
        command: command('resync --table fact_payment'),
      },
    });
    await stack.warehouse('delete from fact_payment where payment_id = 25');
    expect(await trace('fact_payment', '25')).toMatchObject({
      versions: [],
      verdict: {
        kind: 'different',
        text: 'the warehouse does not have it; nothing that is known explains it',
      },
    });
  });

  it('whose object failed names the failure, and no other row of the table is blamed', async () => {
    await stack.warehouse(`alter table dim_design add constraint no_wood check (file_location <> '/wood')`);
    await stack.source(`update design set file_location = '/wood', last_updated = now() where design_id = 6`);
    await stack.run();
    const failed = await trace('dim_design', '6');
    expect(failed).toMatchObject({
      code: 1,
      verdict: {
        kind: 'failed',
        text: expect.stringContaining('the object with the row failed in load: '),
        command: command('redrive --table dim_design --queue load'),
      },
      failures: [{ hasRow: true }],
    });
    expect(await trace('dim_design', '7')).toMatchObject({
      code: 0,
      verdict: { kind: 'same' },
      failures: [{ hasRow: false }],
    });
    await stack.warehouse('alter table dim_design drop constraint no_wood');
  });

  it('that differs is not judged where no plan says what was captured', async () => {
    await stack.warehouse('update fact_payment set payment_amount = 3 where payment_id = 26');
    const { ingested } = stack.site;
    const get = async (name: string) => (name === captureStateKey ? undefined : ingested.get(name));
    const found = await traceRow(
      { ...stack.site, ingested: { ...ingested, get } },
      tracedKey('payment', '26'),
    );
    expect(found.verdict).toMatchObject({
      kind: 'different',
      text: expect.stringMatching(
        /^the warehouse has another payment_amount; the next run shows whether it is late/,
      ),
      command: expect.stringMatching(/^npx starlift run/),
    });
  });

  it('names each part that does not answer, and shows all the rest', async () => {
    const refuse = async () => {
      throw new Error('refused');
    };
    const withoutSource = await traceRow(
      { ...stack.site, connectSource: refuse },
      tracedKey('payment', '31'),
    );
    expect(withoutSource).toMatchObject({
      ok: false,
      verdict: { kind: 'unknown', text: 'what the source has is not known: refused' },
      unanswered: [{ part: 'source', reason: 'refused' }],
      versions: [
        {
          row: { payment_id: '31' },
          object: { ingestedLine: { text: expect.stringContaining('"payment_id":31,') } },
        },
      ],
    });
    const withoutWarehouse = await traceRow(
      { ...stack.site, connectWarehouse: refuse },
      tracedKey('payment', '31'),
    );
    expect(withoutWarehouse).toMatchObject({
      ok: false,
      sourceRow: { payment_id: '31' },
      versions: [],
      unanswered: [{ part: 'warehouse', reason: 'refused' }],
    });
    const { ingested } = stack.site;
    const withoutObjects = await traceRow(
      {
        ...stack.site,
        ingested: {
          ...ingested,
          get: refuse,
          list: () => {
            throw new Error('no objects');
          },
        },
      },
      tracedKey('payment', '31'),
    );
    expect(withoutObjects).toMatchObject({
      ok: false,
      verdict: { kind: 'same' },
      versions: [{ object: { extractedAt: null, loadedAt: expect.stringMatching(/Z$/) } }],
      unanswered: expect.arrayContaining([{ part: 'objects', reason: 'no objects' }]),
    });
  });

  it('says of a key that nobody has, or that cannot be one, what it is', async () => {
    expect(await trace('fact_payment', '999999')).toMatchObject({
      code: 1,
      verdict: {
        kind: 'unknown',
        text: expect.stringMatching(/^neither payment .* nor fact_payment has payment_id 999999$/),
      },
    });
    await expect(trace('fact_payment', 'abc')).rejects.toMatchObject({
      exitCode: 2,
      message: 'abc is not a key of fact_payment (payment_id): invalid input syntax for type integer: "abc"',
    });
  });
});

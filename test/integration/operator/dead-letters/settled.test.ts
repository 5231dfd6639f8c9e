import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { DroppedFailure } from '../../../../cli/failures/drop.ts';
import type { FailureGroup } from '../../../../cli/failures/list-failures.ts';
import type { Status } from '../../../../cli/status/status.ts';
import { formatObjectCreated } from '../../../../shared/queue/object-created.ts';
import { sendAll } from '../../../../shared/queue/send-all.ts';
import { publishModel } from '../../../../shared/records/published-model.ts';
import { totesysDefinition } from '../../../helpers/models/totesys.ts';
import { OperatedStack } from '../operated-stack.ts';

let stack: OperatedStack;
beforeEach(async () => {
  stack = await OperatedStack.startLoaded();
});
afterEach(() => stack?.stop());

const failures = async () => (await stack.json<{ failures: FailureGroup[] }>('failures')).failures;

async function expectExactAndWell(): Promise<void> {
  expect(await stack.differences()).toEqual([]);
  expect(await stack.json<Status>('status')).toMatchObject({ code: 0, ok: true, troubles: [] });
}

/** A load of this table becomes a dead letter, and then the table accepts rows again. */
async function failLoad(): Promise<void> {
  await stack.warehouse(
    `alter table fact_payment add constraint none check (payment_amount <> 77) not valid`,
  );
  await stack.source(`update payment set payment_amount = 77, last_updated = now() where payment_id = 1`);
  await stack.run();
  expect(await failures()).toMatchObject([{ table: 'fact_payment', queue: 'load', count: 1 }]);
  await stack.warehouse('alter table fact_payment drop constraint none');
}

const deadLetters = async () => (await failures()).map(({ queue, count }) => [queue, count]);

describe('a dead letter whose work is done is deleted', () => {
  it('of the load queue once its own object is loaded, by a replay', async () => {
    await failLoad();
    await stack.command('replay', '--table', 'fact_payment');
    await stack.run();
    await expectExactAndWell();
  });

  it('of the transform queue once its object is loaded in a later revision', async () => {
    const [{ key } = { key: '' }] = await stack.warehouse<{ key: string }>(
      `select key from starlift.object where warehouse_table = 'dim_design'`,
    );
    const ingested = key.replace(/^dim_design/, 'design').replace(/-r0\.parquet$/, '.ndjson.zst');
    const body = formatObjectCreated({ bucket: stack.site.ingested.bucket, key: ingested });
    const letters = [{ body, attributes: { error: { DataType: 'String', StringValue: 'TerminalError' } } }];
    await sendAll(stack.site.sqs, stack.site.deadLetterUrl('transform'), letters);
    expect(await deadLetters()).toEqual([['transform', 1]]);
    await stack.sweep('load');
    expect(await deadLetters()).toEqual([]);
  });

  it('of the extract queue once a later plan has read all of its table', async () => {
    await stack.source('alter table design rename to hidden');
    await stack.run();
    expect(await deadLetters()).toEqual([['extract', 1]]);
    await stack.source('alter table hidden rename to design');
    await stack.run();
    await expectExactAndWell();
    const records: string[] = [];
    for await (const { key } of stack.site.ingested.list('failed/')) records.push(key);
    expect(records).toEqual([]);
  });
});

describe('a dead letter of a table that has left the model', () => {
  it('is deleted by the next sweep of its queue, with its record: nothing is left to do', async () => {
    const error = { DataType: 'String', StringValue: 'TerminalError' };
    const [{ key: processed } = { key: '' }] = await stack.warehouse<{ key: string }>(
      `select key from starlift.object where warehouse_table = 'fact_payment'`,
    );
    const ingested = processed.replace(/^fact_payment/, 'payment').replace(/-r0\.parquet$/, '.ndjson.zst');
    const { bucket } = stack.site.ingested;
    // It fails because the table is gone from the source as well.
    await stack.source('alter table payment rename to hidden');
    await stack.run();
    for (const [kind, body] of [
      ['transform', formatObjectCreated({ bucket, key: ingested.replace('-0', '-9') })],
      [
        'load',
        formatObjectCreated({ bucket: stack.site.processed.bucket, key: processed.replace('-0', '-9') }),
      ],
    ] as const)
      await sendAll(stack.site.sqs, stack.site.deadLetterUrl(kind), [{ body, attributes: { error } }]);
    const kinds = async () => (await deadLetters()).map(([queue]) => queue).toSorted();
    for (const kind of ['extract', 'load'] as const) await stack.sweep(kind);
    expect(await kinds()).toEqual(['extract', 'load', 'transform']);

    const tables = totesysDefinition.tables.filter(
      (table) => table.kind === 'ingested only' || table.name !== 'fact_payment',
    );
    await publishModel(stack.site.ingested, { ...totesysDefinition, tables });
    for (const kind of ['extract', 'load'] as const) await stack.sweep(kind);
    expect(await kinds()).toEqual([]);
  });
});

describe('a dead letter stays', () => {
  it('of a load, whatever else is loaded of its table: a full extract lacks the older versions of a fact', async () => {
    await failLoad();
    await stack.source(`update payment set payment_amount = 78, last_updated = now() where payment_id = 1`);
    await stack.command('resync', '--table', 'payment');
    await stack.run();
    await stack.sweep('load');
    expect(await deadLetters()).toEqual([['load', 1]]);
    await stack.command('redrive');
    await stack.run();
    expect(
      await stack.warehouse(
        'select payment_amount::int from fact_payment where payment_id = 1 order by last_updated_date, last_updated_time',
      ),
    ).toMatchObject([{}, { payment_amount: 77 }, { payment_amount: 78 }]);
    await expectExactAndWell();
  });

  it('of a replay whose object was loaded before', async () => {
    await stack.warehouse(`truncate dim_design`);
    await stack.warehouse(`alter table dim_design add constraint none check (false) not valid`);
    await stack.command('replay', '--table', 'dim_design');
    await stack.run();
    await stack.sweep('load');
    expect(await deadLetters()).toEqual([['load', 1]]);
    await stack.warehouse(`alter table dim_design drop constraint none`);
    await stack.command('redrive');
    await stack.run();
    await expectExactAndWell();
  });

  it('of an extract, while later plans have read only what is new', async () => {
    await stack.source('alter table design rename to hidden');
    await stack.run();
    await stack.source('alter table hidden rename to design; alter table design rename to other');
    await stack.source(`update staff set first_name = 'New' where staff_id = 1`);
    await stack.run();
    await stack.sweep('extract');
    expect(await deadLetters()).toEqual([['extract', 1]]);
  });
});

describe('failures drop', () => {
  const drop = (...args: string[]) =>
    stack.json<{ ok: boolean; dropped: DroppedFailure[] }>('failures', 'drop', ...args);

  it('discards a load for good: no sweep and no run sends it again', async () => {
    await failLoad();
    expect(await drop('--table', 'payment', '--dry-run')).toMatchObject({
      dropped: [{ outcome: 'would be dropped' }],
    });
    expect(await drop('--table', 'payment')).toMatchObject({
      code: 0,
      dropped: [{ queue: 'load', table: 'fact_payment', outcome: 'dropped' }],
    });
    expect(await failures()).toEqual([]);
    const rows = 'select count(*)::int as count from fact_payment where payment_amount = 77';
    await stack.sweep('load');
    await stack.run();
    expect(await stack.warehouse(rows)).toEqual([{ count: 0 }]);
    // It is lost to the warehouse, and a comparison says so.
    const { code, tables } = await stack.json<{ tables: { table: string; missing: number }[] }>('verify');
    const missing = tables.filter((each) => each.missing > 0).map(({ table }) => table);
    expect([code, missing]).toEqual([1, ['fact_payment']]);
  });

  it('leaves a finding of status and of a run, until all of the table was read again and is loaded', async () => {
    await failLoad();
    await drop('--table', 'payment');
    await stack.source(`update staff set first_name = 'Later' where staff_id = 1`);
    const text = expect.stringMatching(
      /^1 object of payment was dropped at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, and its rows are not in the warehouse$/,
    );
    const finding = { table: 'payment', text, command: expect.stringMatching(/ resync --table payment /) };
    expect(await stack.run()).toMatchObject({ ok: false, findings: [finding] });
    const status = await stack.json<Status>('status');
    expect(status).toMatchObject({
      code: 1,
      troubles: [{ kind: 'dropped', ...finding }],
      dropped: [{ table: 'payment', objects: 1 }],
    });
    // Nothing is on its way any more, so the table's age is that of the last plan.
    expect(status.tables.find(({ table }) => table === 'fact_payment')?.snapshotAt).toBe(status.plannedAt);
    await stack.command('resync', '--table', 'payment');
    await stack.plan();
    await stack.run();
    await expectExactAndWell();
    // Of whatever else the table brings later.
    await stack.source(`update payment set paid = not paid, last_updated = now() where payment_id = 2`);
    expect(await stack.run()).toMatchObject({ ok: true });
    await expectExactAndWell();
  });

  it('leaves no finding where the object is loaded after all, by a replay', async () => {
    await failLoad();
    await drop('--table', 'payment');
    await stack.command('replay', '--table', 'fact_payment');
    expect(await stack.run()).toMatchObject({ ok: true });
    await expectExactAndWell();
  });

  it('of an extract leaves a finding for as long as the warehouse lacks its rows', async () => {
    await stack.source(`update design set design_name = 'Kept out' where design_id = 1`);
    await stack.source('alter table design rename to hidden');
    await stack.run();
    await drop('--all');
    expect((await stack.json<Status>('status')).troubles.map(({ kind }) => kind)).toEqual([
      'cannot be extracted',
      'dropped',
    ]);
    await stack.source('alter table hidden rename to design');
    await stack.run();
    await expectExactAndWell();
  });

  it('discards an extract with its record', async () => {
    await stack.source('alter table design rename to hidden');
    await stack.run();
    expect(await drop('--all')).toMatchObject({ dropped: [{ queue: 'extract', table: 'design' }] });
    expect(await failures()).toEqual([]);
    await stack.sweep('extract');
    expect(await failures()).toEqual([]);
  });

  it('does nothing without being told what to drop', async () => {
    await expect(stack.command('failures', 'drop')).rejects.toThrow(/^say which failures to drop: /);
    await expect(stack.command('failures', 'drop', '--all', '--table', 'staff')).rejects.toThrow(
      /^say which/,
    );
    await expect(stack.command('failures', '--all')).rejects.toThrow(/only for failures drop$/);
  });
});

import { afterEach, describe, expect, it } from '@jest/globals';
import type { ModelDefinition } from '../../../shared/model/define.ts';
import { totesysDefinition } from '../../helpers/models/totesys.ts';
import { inSession, runUntilDeleted } from './in-session.ts';
import { OperatedStack } from './operated-stack.ts';

let stack: OperatedStack;
afterEach(() => stack?.stop());

/** The shop's model with a copy of its payments from which deleted rows are removed, and a fact that keeps them. */
const definition: ModelDefinition = {
  ...totesysDefinition,
  tables: totesysDefinition.tables.flatMap((table) => {
    if (table.kind !== 'fact' || table.name !== 'fact_payment') return [table];
    const columns = ['payment_id', 'payment_amount', 'paid'];
    const copied = Object.entries(table.columns).filter(([name]) => columns.includes(name));
    const copy = { kind: 'table' as const, name: 'payment_now', source: table.source, key: table.key };
    return [
      { ...table, deletes: 'keep' as const },
      { ...copy, deletes: 'remove' as const, columns: Object.fromEntries(copied) },
    ];
  }),
};

interface Deletes {
  tables: { table: string; deletes: string; marked: number | null; removed: number | null }[];
}

const deletesOf = async (table: string) => (await stack.json<Deletes>('deletes', '--table', table)).tables[0];
const countOf = async (from: string) => {
  const [row] = await stack.warehouse<{ n: number }>(`select count(*)::int as n from ${from}`);
  return row?.n;
};

describe('a row that was deleted in the source, as the model has it', () => {
  it('is removed from one table and kept in another; both are exact, and stay so when all is replayed', async () => {
    stack = await OperatedStack.startLoaded({ definition });
    expect(await stack.run()).toMatchObject({ ok: true });
    await stack.checkLedger();
    await stack.run();
    expect(await countOf('payment_now')).toBe(1440);
    await inSession(stack, 'delete from payment where payment_id in (2, 5)');
    const report = await runUntilDeleted(stack);
    expect(report.tables.filter(({ deleted }) => deleted > 0)).toMatchObject([
      { table: 'payment_now', deleted: 2 },
    ]);
    expect(report.removing).toEqual(['payment_now']);
    expect(await countOf('payment_now')).toBe(1438);
    expect(await countOf('fact_payment_current where payment_id in (2, 5)')).toBe(2);
    expect(await countOf('fact_payment where _deleted_by is not null')).toBe(0);
    expect(await deletesOf('payment_now')).toMatchObject({ deletes: 'remove', marked: null, removed: 2 });
    expect(await deletesOf('fact_payment')).toMatchObject({ deletes: 'keep', marked: null, census: null });
    expect(await stack.differences()).toEqual([]);
    const verified = await stack.json<{ tables: { table: string; kept: number }[] }>('verify');
    expect(verified.tables.find(({ table }) => table === 'fact_payment')).toMatchObject({ kept: 2 });
    expect(await stack.json<object>('status')).toMatchObject({ ok: true });
    expect(await stack.json<object>('trace', 'fact_payment', '2')).toMatchObject({
      ok: true,
      verdict: { text: 'the source no longer has it, and fact_payment keeps it, as the model says' },
    });

    // Late rows come in once more, and go again.
    await stack.command('replay', '--table', 'payment_now');
    await stack.run();
    expect(await countOf('payment_now')).toBe(1438);
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json<object>('status')).toMatchObject({ ok: true });
  });

  it('is not looked for where all tables of its source keep it', async () => {
    const kept: ModelDefinition = {
      ...totesysDefinition,
      tables: totesysDefinition.tables.map((table) =>
        table.kind === 'fact' ? { ...table, deletes: 'keep' as const } : table,
      ),
    };
    stack = await OperatedStack.startLoaded({ definition: kept });
    await stack.run();
    await inSession(stack, 'truncate payment');
    const report = await stack.run();
    expect(report).toMatchObject({ ok: true });
    const keys: string[] = [];
    for await (const { key } of stack.site.ingested.list('.census/')) keys.push(key);
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.filter((key) => /^\.census\/(payment|sales_order|purchase_order)\//.test(key))).toEqual([]);
    expect(await stack.json<object>('status')).toMatchObject({ ok: true });
    expect(await stack.differences()).toEqual([]);
  });

  it('is not held where the source table has no guard', async () => {
    const unguarded: ModelDefinition = {
      ...totesysDefinition,
      tables: totesysDefinition.tables.map((table) =>
        table.kind === 'fact' ? { ...table, source: { ...table.source, guard: 'none' as const } } : table,
      ),
    };
    stack = await OperatedStack.startLoaded({ definition: unguarded });
    await stack.run();
    await inSession(stack, 'truncate payment');
    expect(await runUntilDeleted(stack)).toMatchObject({ ok: true });
    expect(await countOf('fact_payment where _deleted_by is null')).toBe(0);
    expect(await stack.differences()).toEqual([]);
  });
});

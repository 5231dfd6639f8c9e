import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { FailureGroup } from '../../../cli/failures/list-failures.ts';
import type { ReplayedTable } from '../../../cli/replay/replay.ts';
import type { Status } from '../../../cli/status/status.ts';
import { formatObjectCreated } from '../../../shared/queue/object-created.ts';
import { sendAll } from '../../../shared/queue/send-all.ts';
import { OperatedStack } from './operated-stack.ts';

let stack: OperatedStack;
beforeEach(async () => {
  stack = await OperatedStack.startLoaded();
});
afterEach(() => stack?.stop());

/** Runs command lines as they are printed. */
async function paste(line: string): Promise<void> {
  for (const command of line.split(' && ')) {
    const [npx, starlift, ...words] = command.trim().split(' ');
    expect([npx, starlift, ...words.slice(-2)]).toEqual(['npx', 'starlift', '--data', stack.data]);
    await stack.command(...words.slice(0, -2));
  }
}

async function expectExactAndWell(): Promise<void> {
  expect(await stack.differences()).toEqual([]);
  expect(await stack.json<Status>('status')).toMatchObject({ code: 0, ok: true, troubles: [] });
}

async function keysOf(zone: 'ingested' | 'processed', table: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of stack.site[zone].list(`${table}/`)) keys.push(key);
  expect(keys).not.toEqual([]);
  return keys;
}

async function deleteObjects(zone: 'ingested' | 'processed', table: string): Promise<void> {
  for (const key of await keysOf(zone, table)) await stack.site[zone].delete(key);
}

describe('a command that ends a dead end is named, and what it names mends it,', () => {
  it('where a replay finds that both zones have lost an object', async () => {
    await deleteObjects('ingested', 'design');
    await deleteObjects('processed', 'dim_design');
    await stack.warehouse('delete from dim_design where design_id < 4');
    const replayed = await stack.json<{ ok: boolean; tables: ReplayedTable[] }>(
      ...['replay', '--zone', 'ingested', '--table', 'design'],
    );
    expect(replayed).toMatchObject({
      code: 1,
      ok: false,
      tables: [{ table: 'design', objects: 0, lost: 1 }],
    });
    const { code, text } = await stack.command('replay', '--table', 'dim_design');
    expect(code).toBe(1);
    const rebuild = text.split('\n').find((line) => line.includes('npx starlift'));
    expect(rebuild).toContain('rebuild dim_design');
    const rebuilt = await stack.command('rebuild', 'dim_design');
    const resync = rebuilt.text.split('\n').find((line) => line.includes('npx starlift resync'));
    await paste(resync ?? '');
    await stack.run();
    await stack.sweep('load');
    await expectExactAndWell();
  });

  it('where a dimension row that facts name was deleted in the warehouse', async () => {
    await stack.warehouse('delete from dim_staff where staff_id = 10');
    await stack.source(`update sales_order set staff_id = 10, last_updated = now() where sales_order_id = 7`);
    await stack.run();
    const { troubles } = await stack.json<Status>('status');
    const [wait] = troubles.filter(({ kind }) => kind === 'waiting');
    expect(wait).toMatchObject({
      table: 'fact_sales_order',
      text: '1 row of fact_sales_order waits for dim_staff 10, which was captured once and is not in the warehouse',
    });
    await paste(wait?.command ?? '');
    await stack.run();
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json('waiting')).toMatchObject({ code: 0 });
  });

  it('where the ingested object of a message is gone', async () => {
    const [key = ''] = await keysOf('ingested', 'design');
    await deleteObjects('ingested', 'design');
    await deleteObjects('processed', 'dim_design');
    await stack.warehouse(
      `delete from dim_design; delete from starlift.object where warehouse_table = 'dim_design'`,
    );
    const body = formatObjectCreated({ bucket: stack.site.ingested.bucket, key });
    await sendAll(stack.site.sqs, stack.site.queueUrl('transform'), [{ body }]);
    await stack.run();
    const { failures } = await stack.json<{ failures: FailureGroup[] }>('failures');
    expect(failures).toMatchObject([
      {
        table: 'design',
        queue: 'transform',
        error: 'LostObjectError',
        reason: expect.stringContaining('is not there'),
      },
    ]);
    await paste(failures[0]?.mend ?? '');
    await stack.run();
    await expectExactAndWell();
  });

  it('where another tool has overwritten a processed object', async () => {
    const [key = ''] = await keysOf('processed', 'fact_payment');
    const { metadata } = (await stack.site.processed.head(key)) ?? {};
    await stack.site.processed.delete(key);
    await stack.site.processed.create(key, Buffer.from('PAR1 of another tool'), metadata);
    await stack.command('replay', '--table', 'fact_payment');
    await stack.run();
    const { failures } = await stack.json<{ failures: FailureGroup[] }>('failures');
    expect(failures).toMatchObject([
      { table: 'fact_payment', queue: 'load', error: 'LostObjectError', messages: [{ key }] },
    ]);
    await paste(failures[0]?.mend ?? '');
    await stack.run();
    // Its object is in the ledger, in a revision that can be read.
    await stack.sweep('load');
    await expectExactAndWell();
  });
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { connect } from '../../../cli/database/connect.ts';
import { expire } from '../../../cli/expire/expire.ts';
import { describeBackfill, sendBackfill } from '../../../cli/replay/backfill.ts';
import type { ExpiredTable } from '../../../services/loading/expire/expire-objects.ts';
import { backfillKey } from '../../../shared/object-store/object-key.ts';
import { seen } from '../../helpers/seen.ts';
import { OperatedStack } from './operated-stack.ts';

describe('expire', () => {
  let stack: OperatedStack;
  beforeEach(async () => {
    stack = await OperatedStack.startLoaded();
  });
  afterEach(() => stack?.stop());

  /** As if all that is there were old. */
  const expireAll = (dryRun = false) => {
    const before = new Date(Date.now() + 86_400_000);
    const tables = stack.site.model.sources.map(({ name }) => ({ table: name, before }));
    return expire(stack.site, { tables, dryRun });
  };
  const countOf = async (folder: string, zone: 'ingested' | 'processed' = 'processed') => {
    let count = 0;
    for await (const _ of stack.site[zone].list(folder)) count++;
    return count;
  };

  it('deletes what is loaded alone, keeps bad rows that still count, and status and verify stay as they were', async () => {
    await stack.source(`update payment set payment_date = 'soon' where payment_id = 5`);
    await stack.run();
    const holder = await connect(stack.warehouseUrl, 'warehouse');
    await holder.query('begin; lock table dim_design in access exclusive mode');
    await stack.source(`update design set file_name = 'Other.png' where design_id = 1`);
    const before = await countOf('dim_design/');
    await stack.plan();
    await seen(async () => (await countOf('dim_design/')) > before);

    const planned = await expireAll(true);
    const withoutTimes = (all: typeof planned) => all.map((each) => ({ ...each, before: '' }));
    expect(withoutTimes(await expireAll())).toEqual(withoutTimes(planned));
    const of = (table: string) => planned.find((each) => each.table === table);
    // Both of the object that is not loaded; the object of the bad row, and its file.
    expect(of('design')).toMatchObject({ kept: 2 });
    expect(of('payment')).toMatchObject({ kept: 2, quarantined: 0 });
    expect(of('staff')).toMatchObject({ ingested: 1, processed: 1, kept: 0 });
    expect(await countOf('staff/', 'ingested')).toBe(0);
    await holder.query('rollback').finally(() => holder.end());
    await stack.run();
    expect(await stack.warehouse('select file_name from dim_design where design_id = 1')).toEqual([
      { file_name: 'Other.png' },
    ]);
    const { files } = await stack.json<{ files: unknown[] }>('quarantine');
    expect(files).toHaveLength(1);
    expect((await stack.command('quarantine', 'release', '--table', 'payment')).code).toBe(0);
    await stack.source(`update payment set payment_date = '2025-01-01' where payment_id = 5`);
    await stack.run();
    expect(await stack.differences()).toEqual([]);
    expect(await stack.json<object>('status')).toMatchObject({ ok: true, troubles: [] });
    // Nobody needs the file of a bad row that was mended.
    expect((await expireAll()).find(({ table }) => table === 'payment')).toMatchObject({ kept: 0 });
    expect(await countOf('quarantine/')).toBe(0);
  });

  it('goes by starlift.yml, table by table, and refuses what would be made anew', async () => {
    const project = mkdtempSync(join(tmpdir(), 'starlift-expire-'));
    const file = join(project, 'starlift.yml');
    const all = () => stack.json<{ tables: ExpiredTable[] }>('expire', '--all', '--project', project);
    try {
      writeFileSync(file, 'sources: { payment: { expire: 400d } }\n');
      const [payment, ...others] = (await all()).tables;
      expect(others).toEqual([]);
      const days = (Date.now() - Date.parse(payment?.before ?? '')) / 86_400_000;
      expect([payment?.table, Math.round(days)]).toEqual(['payment', 400]);
      writeFileSync(file, 'expire: 800d\nsources: { payment: { expire: 30d } }\n');
      await expect(all()).rejects.toThrow('expire of payment in starlift.yml is too little: within 31 days');
      writeFileSync(file, 'name: shop\n');
      await expect(all()).rejects.toThrow('pass --older-than, or set expire in starlift.yml');
    } finally {
      rmSync(project, { recursive: true });
    }
  });

  it('leaves commands that need what is gone to say how much that is', async () => {
    await expireAll();
    const rebuilt = await stack.command('rebuild', 'dim_staff');
    expect(rebuilt).toMatchObject({ code: 1 });
    expect(rebuilt.text).toContain('1 object of it is in neither zone any more. Read it from the source:');
    await expect(expireAll()).rejects.toThrow('dim_staff is being rebuilt from S3, and needs its objects');
    expect((await stack.command('resync', '--table', 'staff')).code).toBe(0);
    await stack.run();
    const replayed = await stack.command('replay', '--table', 'currency', '--zone', 'ingested');
    expect(replayed.text).toContain(
      '1 object of currency that was loaded cannot be found in the ingested zone',
    );

    const { ingested } = stack.site;
    await ingested.put(backfillKey, Buffer.from(JSON.stringify({ version: 1, tables: ['dim_currency'] })));
    const backfill = await sendBackfill(stack.site, { model: stack.site.model, number: 1 });
    expect(describeBackfill(backfill)).toBe(
      'dim_currency: 0 objects in S3 sent again, to fill what is new in the model. 1 object that was loaded, and is no longer in S3, cannot fill it: rows that were in no other object lack it',
    );
  });
});

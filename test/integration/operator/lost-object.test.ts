import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { secretIds } from '../../../cli/embedded/resources.ts';
import type { Status } from '../../../cli/status/status.ts';
import { OperatedStack } from './operated-stack.ts';
import { type StackAsStage, startStackAsStage } from './stage/stack-as-stage.ts';

let stack: OperatedStack;
let staged: StackAsStage | undefined;
beforeEach(async () => {
  stack = await OperatedStack.startLoaded();
});
// A stage ends the stack that it stands for.
afterEach(async () => {
  await (staged ?? stack)?.stop();
  staged = undefined;
});

/** S3 loses all that was made of a source table's objects, and the warehouse some of the rows. */
async function lose(table: string, where: string): Promise<string[]> {
  const lost: string[] = [];
  for await (const { key } of stack.site.processed.list(`${table}/`)) lost.push(key);
  for (const key of lost) await stack.site.processed.delete(key);
  const deleted = await stack.warehouse(`delete from ${table} where ${where} returning 1`);
  expect(deleted).not.toEqual([]);
  return lost;
}

/** Source and warehouse are the same, and status has nothing to say of it. */
async function expectExactAndWell(): Promise<void> {
  expect(await stack.differences()).toEqual([]);
  expect((await stack.json<Status>('status')).troubles).toEqual([]);
}

const ledgerKeys = async (table: string) =>
  (
    await stack.warehouse<{ key: string }>(
      `select key from starlift.object where warehouse_table = '${table}' and key not like '.census/%' order by object_id`,
    )
  ).map(({ key }) => key);

describe('status', () => {
  it('counts the rows of a run, whichever revision of an object is loaded', async () => {
    await stack.source(`update design set design_name = 'Counted' where design_id in (1, 2, 3)`);
    await stack.run();
    const loaded = async () => (await stack.json<Status>('status')).run?.loaded;
    expect(await loaded()).toBe(3);
    await stack.command('replay', '--zone', 'ingested', '--table', 'design');
    await stack.run();
    expect(await loaded()).toBe(3);
    // As where the first object was lost before it was loaded.
    await stack.warehouse(
      `delete from starlift.object old using starlift.object new where old.revision = 0 and new.revision = 1
          and old.warehouse_table = 'dim_design'
          and new.warehouse_table = old.warehouse_table and new.run = old.run and new.slice = old.slice`,
    );
    expect(await loaded()).toBe(3);
  });
});

describe('the first replay from the ingested zone brings back the rows of an object that S3 has lost', () => {
  it.each([
    ['dim_design', 'design', 'design_id in (2, 3)'],
    // A fact's dates have an object of their own.
    ['fact_payment', 'payment', 'payment_id between 10 and 20'],
    ['dim_location', 'address', 'location_id = 4'],
  ])('of %s', async (table, source, where) => {
    await lose(table, where);
    expect((await stack.command('replay', '--zone', 'ingested', '--table', source)).code).toBe(0);
    expect((await stack.run()).ok).toBe(true);
    await expectExactAndWell();
  });

  it('where several revisions are lost', async () => {
    for (const _again of [1, 2]) {
      await stack.command('replay', '--zone', 'ingested', '--table', 'staff');
      await stack.run();
    }
    const lost = await lose('dim_staff', 'staff_id = 3');
    expect(lost.map((key) => key.slice(-11))).toEqual(['-r0.parquet', '-r1.parquet', '-r2.parquet']);
    await stack.command('replay', '--zone', 'ingested', '--table', 'staff');
    await stack.run();
    await expectExactAndWell();
    expect((await ledgerKeys('dim_staff')).map((key) => key.slice(-11))).toEqual([
      '-r0.parquet',
      '-r1.parquet',
      '-r2.parquet',
      '-r3.parquet',
    ]);
  });

  it('where a quarantined row of it is released', async () => {
    await stack.source(`update payment set payment_date = 'soon' where payment_id = 5`);
    await stack.run();
    for await (const { key } of stack.site.processed.list('fact_payment/'))
      await stack.site.processed.delete(key);
    const released = await stack.command('quarantine', 'release', '--table', 'fact_payment');
    expect(released.code).toBe(0);
    await stack.run();
    // Bad still; but its slice went through again, under a name that the ledger did not have.
    const { files } = await stack.json<{ files: { file: string }[] }>('quarantine');
    expect(files.map(({ file }) => file.slice(-10))).toEqual(['-r1.ndjson']);
    await stack.source(`update payment set payment_date = '2025-01-01' where payment_id = 5`);
    await stack.run();
    await expectExactAndWell();
  });

  it('from a stage whose warehouse cannot be reached', async () => {
    await lose('dim_currency', 'currency_id = 2');
    staged = await startStackAsStage(stack);
    const secrets = new SecretsManagerClient();
    const id = secretIds.warehouse;
    const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId: id }));
    const nowhere = JSON.stringify({ ...JSON.parse(SecretString), port: 1 });
    await secrets.send(new PutSecretValueCommand({ SecretId: id, SecretString: nowhere }));
    expect((await staged.command('replay --zone ingested --table currency')).code).toBe(0);
    await secrets.send(new PutSecretValueCommand({ SecretId: id, SecretString }));
    await stack.run();
    await expectExactAndWell();
    secrets.destroy();
    // The next one asks the ledger again, and goes on from there.
    const before = (await ledgerKeys('dim_currency')).at(-1) ?? '';
    await lose('dim_currency', 'currency_id = 3');
    await stack.command('replay', '--zone', 'ingested', '--table', 'currency');
    await stack.run();
    await expectExactAndWell();
    const revisionOf = (key: string) => Number(/-r(\d+)\.parquet$/.exec(key)?.[1]);
    expect(revisionOf((await ledgerKeys('dim_currency')).at(-1) ?? '')).toBe(revisionOf(before) + 1);
  });
});

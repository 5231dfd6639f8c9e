import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { captureStateKey } from '../../../shared/object-store/object-key.ts';
import { seen } from '../../helpers/seen.ts';
import { inSession, runUntilDeleted } from './in-session.ts';
import { OperatedStack } from './operated-stack.ts';

// As after a rollback to 0.1.0, for which the capture state was deleted: it makes the state anew, under a generation of its own,
// loads a row that came back, and knows no marks of deletes.

interface Judged {
  ok: boolean;
  troubles: { kind: string; table: string | null; text: string; command: string }[];
}

let stack: OperatedStack;
beforeAll(async () => {
  stack = await OperatedStack.startLoaded({ censusFloorSeconds: 900 });
});
afterAll(() => stack?.stop());

const status = () => stack.json<Judged>('status');
const isMarked = async () =>
  (await stack.warehouse('select from fact_payment where payment_id = 2 and _deleted_by is not null'))
    .length > 0;

/** What 0.1.0 leaves: its own version of the state, which knows neither censuses nor runs. */
async function rewriteState(): Promise<void> {
  const { ingested } = stack.site;
  const read = await ingested.get(captureStateKey);
  const { generation, identity, captured, tables } = JSON.parse(Buffer.from(read?.body ?? []).toString());
  const older = Object.entries(tables as Record<string, { source: string }>).map(([table, { source }]) => [
    table,
    { fingerprint: source },
  ]);
  const state = { version: 1, generation, identity, captured, tables: Object.fromEntries(older) };
  await ingested.put(captureStateKey, Buffer.from(JSON.stringify(state)));
}

it('a row that an older release has loaded under its mark is told until the next plan’s look, which comes at once', async () => {
  await stack.checkLedger();
  const [kept] = await stack.source<{ row: object }>(
    'select to_jsonb(p) as row from payment p where payment_id = 2',
  );
  await inSession(stack, 'delete from payment where payment_id = 2');
  await runUntilDeleted(stack);
  expect(await isMarked()).toBe(true);
  expect(await status()).toMatchObject({ ok: true, troubles: [] });

  // The older release reads everything in full. It cannot be run here, so this one does, and the mark is put back.
  const [mark] = await stack.warehouse<{ by: string }>(
    'select _deleted_by::text as by from fact_payment where payment_id = 2',
  );
  await stack.site.ingested.delete(captureStateKey);
  await inSession(
    stack,
    `insert into payment select * from jsonb_populate_record(null::payment, '${JSON.stringify(kept?.row)}')`,
  );
  await stack.warehouse('create table the_census as select * from starlift.census');
  await stack.run();
  await seen(async () => !(await isMarked()));
  await stack.warehouse(`
    update fact_payment set _deleted_by = ${mark?.by} where payment_id = 2;
    delete from starlift.object where object_id in (
      select object_id from starlift.census except select object_id from the_census);
    truncate starlift.census;
    insert into starlift.census select * from the_census;
    drop table the_census`);
  await rewriteState();

  expect(await stack.json('verify')).toMatchObject({ ok: false, code: 1 });
  await stack.site.ingested.delete('state/verified.json');
  const told = await status();
  expect(told).toMatchObject({ ok: false, code: 1 });
  expect(told.troubles).toContainEqual({
    kind: 'unmarked',
    table: 'fact_payment',
    text: 'deleted rows of fact_payment were not looked for since the capture state was made anew: rows that came back may still be marked',
    command: expect.stringContaining('npx starlift run'),
  });

  // No delete is counted, and the last look was less than a quarter of an hour ago: the next plan looks all the same.
  await stack.run();
  expect(await isMarked()).toBe(false);
  expect(await stack.json('verify')).toMatchObject({ ok: true, code: 0 });
  // The next plan sees that the look is over.
  await stack.run();
  expect(await status()).toMatchObject({ ok: true, troubles: [] });
});

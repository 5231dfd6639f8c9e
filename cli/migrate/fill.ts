import { setTimeout as delay } from 'node:timers/promises';
import type pg from 'pg';
import { ledgerTable } from '../../shared/ledger/schema/ledger-schema.ts';
import type { NextTable } from '../../shared/model/define.ts';
import type { Model } from '../../shared/model/model.ts';
import {
  formatObjectKey,
  formatRevisionPrefix,
  type IngestedKey,
  parseKnownKey,
} from '../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import { inTransaction } from '../../shared/postgres/transaction.ts';
import { readDropped } from '../../shared/records/dropped.ts';
import { isAccountedFor, type KnownSlices, makeKnownSlices } from '../../shared/records/plan/slices.ts';
import { listTables } from '../../shared/sweep/find-lost.ts';
import { commandFor, type Site } from '../site/site.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { formatObjects } from '../terminal/wording.ts';

type FillSite = Pick<Site, 'ingested' | 'listDeadLetters' | 'selector'>;

/** Lists the ingested objects that a warehouse table is made of. */
export async function listObjects(
  ingested: Pick<ObjectStore, 'list'>,
  model: Model,
  table: string,
): Promise<IngestedKey[]> {
  const definition = model.table(table);
  if (definition.kind === 'calendar') return [];
  const objects = await listTables(ingested, [definition.source.name]);
  return objects.flatMap(({ key }) => {
    const parsed = parseKnownKey(key);
    return parsed?.zone === 'ingested' ? [parsed] : [];
  });
}

/** The slices that the ledger has of a warehouse table. */
export async function selectSlices(client: pg.ClientBase, table: string): Promise<KnownSlices> {
  const { rows } = await client.query<{ run: string; slice: string }>(
    `select distinct run, slice from ${ledgerTable} where warehouse_table = $1`,
    [table],
  );
  const known = makeKnownSlices();
  for (const slice of rows) known.add(table, slice);
  return known;
}

/**
 * Counts slices that the table has and S3 has not: what they brought cannot be made anew.
 *
 * @param ledgerName the table's until it is renamed
 */
export async function countLost(
  client: pg.ClientBase,
  ingested: Pick<ObjectStore, 'list'>,
  model: Model,
  { table, ledgerName = table }: { table: string; ledgerName?: string },
): Promise<number> {
  return (await findLost(client, await listObjects(ingested, model, table), ledgerName)).length;
}

/** Notes of these slices that nobody waits for them any more. */
export async function giveUpLost(
  client: pg.ClientBase,
  ingested: Pick<ObjectStore, 'list'>,
  model: Model,
  table: string,
): Promise<void> {
  const lost = await findLost(client, await listObjects(ingested, model, table), table);
  if (lost.length === 0) return;
  await inTransaction(client, () =>
    client.query(
      `update ${ledgerTable} set lost_at = clock_timestamp()
        where warehouse_table = $1 and run || '-' || slice = any ($2::text[])`,
      [table, lost],
    ),
  );
}

async function findLost(
  client: pg.ClientBase,
  stored: readonly IngestedKey[],
  table: string,
): Promise<string[]> {
  const ids = new Set(stored.map(({ run, slice }) => `${run}-${slice}`));
  const { rows } = await client.query<{ id: string }>(
    `select distinct run || '-' || slice as id from ${ledgerTable} where warehouse_table = $1 and lost_at is null`,
    [table],
  );
  return rows.map(({ id }) => id).filter((id) => !ids.has(id));
}

export interface FillOptions {
  say(line: string): void;
  /** Has objects transformed by the model in force. */
  send(keys: readonly string[]): Promise<void>;
  /** The keys that were sent, by this and earlier calls. */
  sent: Set<string>;
  /** How long nothing may come. */
  waitMs: number;
  pollMs?: number;
}

/**
 * Has each table filled with every object that was ingested when this is called, and waits for it. More may come meanwhile,
 * and some may lack the table, because a transform that knew only the earlier model made them.
 *
 * @throws {UsageError} an object is a dead letter, or nothing has come for a long time: the next call carries on
 */
export async function waitUntilFilled(
  client: pg.ClientBase,
  site: FillSite,
  { model, tables }: { model: Model; tables: readonly NextTable[] },
  { say, send, sent, waitMs, pollMs = 200 }: FillOptions,
): Promise<void> {
  for (const each of tables) {
    const { table, next } = each;
    const given = new Set((await readDropped(site.ingested)).map(({ key }) => key));
    const wanted = (await listObjects(site.ingested, model, next)).filter(
      (key) => !isDropped(key, next, given),
    );
    const unsent = (await findOpen(client, next, wanted))
      .map(formatObjectKey)
      .filter((key) => !sent.has(key));
    await send(unsent);
    for (const key of unsent) sent.add(key);
    let [left, progressAt, lettersAt] = [Number.POSITIVE_INFINITY, performance.now(), performance.now()];
    for (;;) {
      const open = await findOpen(client, next, wanted);
      const missing = open.length;
      if (missing === 0) break;
      const now = performance.now();
      if (missing !== left) progressAt = now;
      left = missing;
      if (now - lettersAt > lettersEveryMs) {
        lettersAt = now;
        await assertNoDeadLetter(site, model, each);
      }
      if (now - progressAt > waitMs) {
        throw new UsageError(
          `${next} waits for ${formatObjects(missing)}, and none has come for a while, such as ${formatKey(open[0])}. ` +
            `See ${commandFor(site, 'status')}, then ${commandFor(site, 'migrate')} goes on`,
        );
      }
      await delay(pollMs);
    }
    say(`${table}: filled anew from ${formatObjects(wanted.length)}`);
  }
}

async function findOpen(
  client: pg.ClientBase,
  table: string,
  wanted: readonly IngestedKey[],
): Promise<IngestedKey[]> {
  const known = await selectSlices(client, table);
  return wanted.filter((key) => !isAccountedFor(known, table, key));
}

/** An operator has given the object up, or what was made of it for this table. */
function isDropped(key: IngestedKey, table: string, dropped: ReadonlySet<string>): boolean {
  if (dropped.has(formatObjectKey(key))) return true;
  const prefix = formatRevisionPrefix({ ...key, table });
  return [...dropped].some((text) => text.startsWith(prefix));
}

const lettersEveryMs = 2000;

const formatKey = (key: IngestedKey | undefined): string =>
  key === undefined ? 'one' : formatObjectKey(key);

async function assertNoDeadLetter(site: FillSite, model: Model, { next }: NextTable): Promise<void> {
  const definition = model.table(next);
  const source = definition.kind === 'calendar' ? undefined : definition.source.name;
  const letters = await site.listDeadLetters();
  const found = letters.find(
    ({ queue, table }) => table === next || (queue === 'transform' && table === source),
  );
  if (found === undefined) return;
  throw new UsageError(
    `${next} cannot be filled: an object of ${found.table} is a dead letter (${found.reason}). ` +
      `${commandFor(site, 'failures')} shows why; once it is mended: ${commandFor(site, 'redrive')}, then ${commandFor(site, 'migrate')}`,
  );
}

import { ledgerTable } from '../ledger/schema/ledger-schema.ts';
import { quoteIdentifier } from '../postgres/identifier.ts';
import { objectIdColumn } from './warehouse-schema.ts';

const objectId = quoteIdentifier(objectIdColumn);
const version = (entry: string): string =>
  `(${entry}.generation, ${entry}.snapshot_xmax, ${entry}.snapshot_xmin, ${entry}.tie, ${entry}.revision)`;

/**
 * The guard, as an SQL condition: the candidate's object has a greater version than the current row's.
 *
 * A current row whose object the ledger does not know is older than any other. Otherwise it could never change again: the
 * ledger may have been dropped, restored without its newest entries, or thinned out by hand.
 *
 * It reads the ledger in its statement's snapshot. So the statement must have begun after the current row was
 * committed and locked: within an `on conflict` that waited for it, its ledger entry would not be seen.
 *
 * @param candidate the alias of a row that has an object id
 */
export const isNewer = (candidate: string, current: string): string =>
  `exists (
    select from ${ledgerTable} new
    where new.object_id = ${candidate}.${objectId} and not exists (
      select from ${ledgerTable} old
      where old.object_id = ${current}.${objectId} and ${version('old')} >= ${version('new')}
    )
  )`;

/** An SQL condition: both rows have the same key. */
export const matches = (key: readonly string[], a: string, b: string): string =>
  key.map((column) => `${a}.${column} = ${b}.${column}`).join(' and ');

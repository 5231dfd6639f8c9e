import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import { ledgerTable } from '../../../shared/warehouse/ledger-schema.ts';
import { objectIdColumn } from '../../../shared/warehouse/warehouse-schema.ts';

const objectId = quoteIdentifier(objectIdColumn);
const version = (entry: string): string =>
  `(${entry}.generation, ${entry}.snapshot_xmax, ${entry}.snapshot_xmin, ${entry}.tie, ${entry}.revision)`;

/**
 * The guard, as an SQL condition: the candidate's object has a greater version than the current row's.
 *
 * It reads the ledger in its statement's snapshot. So the statement must have begun after the current row was
 * committed and locked: within an `on conflict` that waited for it, its ledger entry would not be seen.
 *
 * @param candidate the alias of a row that has an object id
 */
export const isNewer = (candidate: string, current: string): string =>
  `exists (
    select from ${ledgerTable} new, ${ledgerTable} old
    where new.object_id = ${candidate}.${objectId} and old.object_id = ${current}.${objectId}
      and ${version('new')} > ${version('old')}
  )`;

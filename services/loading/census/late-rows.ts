import type pg from 'pg';
import { censusTable, ledgerTable } from '../../../shared/ledger/schema/ledger-schema.ts';
import type { ObjectVersion } from '../../../shared/object-store/object-metadata.ts';

/** The columns of a version but for its revision: a row and a census of one snapshot have the same, whatever made them. */
export const versionColumns = (entry: string): string =>
  `(${entry}.generation, ${entry}.snapshot_xmax, ${entry}.snapshot_xmin, ${entry}.tie)`;

export const versionValues = ({ generation, xmax, xmin, tie }: ObjectVersion): string[] => [
  generation,
  xmax,
  xmin,
  tie,
];

/** The same as an SQL row of parameters. @param first the number of the first */
export const versionParameters = (first: number): string =>
  `($${first}::int8, $${first + 1}::int8, $${first + 2}::int8, $${first + 3}::int8)`;

/**
 * Makes the applied census of a table due, where it is newer than rows that a load has just changed: it has not seen them. Of
 * a large table all parts of it, because any may decide for one of the rows; and once, however many loads come.
 *
 * To be called under the table's lock, in the load's transaction.
 */
export async function noteLateRows(
  client: pg.ClientBase,
  table: string,
  version: ObjectVersion,
): Promise<void> {
  await client.query(
    `update ${censusTable} set due_since = clock_timestamp()
      where due_since is null and object_id in (
        select c.object_id from ${censusTable} c join ${ledgerTable} o using (object_id)
         where c.warehouse_table = $1 and c.state = 'applied' and ${versionColumns('o')} > ${versionParameters(2)})`,
    [table, ...versionValues(version)],
  );
}

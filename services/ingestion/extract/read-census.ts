import type pg from 'pg';
import { censusFieldsOf } from '../../../shared/census/census-table.ts';
import { maxCensusBytes, maxCensusCopyBytes } from '../../../shared/census/size.ts';
import { TerminalError } from '../../../shared/errors.ts';
import type { SourceTable } from '../../../shared/model/model.ts';
import { quoteSource } from '../../../shared/model/source-name.ts';
import type { ObjectVersion } from '../../../shared/object-store/object-metadata.ts';
import { copyOut } from '../../../shared/postgres/copy-out.ts';
import { quoteIdentifier } from '../../../shared/postgres/identifier.ts';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import { makeVersion } from '../source/snapshot.ts';
import type { UsableTable } from '../source/tables.ts';
import { makeCompressedRows, ObjectTooLarge } from './compressed-rows.ts';
import { castField, type OtherSource, type ReadOptions, readAtOnce } from './read-slice.ts';

export interface Census {
  kind: 'census';
  /** The keys as JSON lines, compressed. */
  bytes: Uint8Array;
  rows: number;
  version: ObjectVersion;
  /** How long the source was read for. */
  seconds: number;
}

/**
 * Reads the keys of a table in one snapshot: a key that is missing from it was deleted before it, or not written yet.
 *
 * @throws as `readSlice`
 */
export const readCensus = (
  client: pg.Client,
  message: ExtractMessage,
  table: SourceTable,
  options: ReadOptions,
): Promise<Census | OtherSource> =>
  readAtOnce(client, message, table, options, async ({ usable, snapshot, replayLsn }) => {
    const begun = performance.now();
    const { bytes, rows } = await copyKeys(client, usable, options);
    const version = absenceVersion(makeVersion(message.generation, snapshot, replayLsn), replayLsn);
    const seconds = (performance.now() - begun) / 1000;
    return { kind: 'census' as const, bytes, rows, version, seconds };
  });

/**
 * On a standby a row and a census of equal xmax and xmin cannot be put in order: the replay position is read before the
 * snapshot, which may show more. So the row stays: the census has the least tie there is.
 */
const absenceVersion = (version: ObjectVersion, replayLsn: string | null): ObjectVersion =>
  replayLsn === null ? version : { ...version, tie: leastTie };

const leastTie = String(-(2n ** 63n));

async function copyKeys(
  client: pg.Client,
  { table, columns: all }: UsableTable,
  { schema }: Pick<ReadOptions, 'schema'>,
): Promise<{ bytes: Uint8Array; rows: number }> {
  const fields = censusFieldsOf(table);
  const columns = fields.map((field) => {
    const column = all[table.fields.indexOf(field)];
    if (column === undefined) throw new TypeError(`${table.name} has no column ${field.name}`);
    return column;
  });
  const list = fields.map((field, index) =>
    castField(`source.${quoteIdentifier(field.column)}`, field, columns[index]),
  );
  const keys = makeCompressedRows(columns, maxCensusBytes, maxCensusCopyBytes);
  try {
    const order = table.key.map((column) => `source.${quoteIdentifier(column)}`);
    await copyOut(
      client,
      `copy (
         select ${list.join(', ')} from ${quoteSource(table, schema)} as source order by ${order.join(', ')}
       ) to stdout (format text)`,
      keys.push,
    );
    return await keys.finish();
  } catch (error) {
    keys.discard();
    if (!(error instanceof ObjectTooLarge)) throw error;
    throw new TerminalError(
      `the keys of ${table.name} are more than a census holds (${error.message}): its deletes are not looked for. Discard this message: starlift failures drop --table ${table.name}`,
      { table: table.name, cause: error },
    );
  }
}

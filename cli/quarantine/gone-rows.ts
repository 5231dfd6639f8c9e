import type pg from 'pg';
import type { Model, SourceTable } from '../../shared/model/model.ts';
import { quoteSource } from '../../shared/model/source-name.ts';
import { quoteIdentifier } from '../../shared/postgres/identifier.ts';
import type { QuarantineFile } from '../../shared/quarantine/quarantine-file.ts';
import type { QuarantinedRow } from '../../shared/records/quarantine-file.ts';
import { withClient } from '../database/with-client.ts';
import type { Site } from '../site/site.ts';
import { listQuarantine } from './list-quarantine.ts';

/** A status that asks for more would take too long; what is not asked is not called gone. */
const maxAskedRows = 1000;

type GoneSite = Parameters<typeof listQuarantine>[0] & Pick<Site, 'connectSource'>;

/**
 * How many rows of each warehouse table are in quarantine and have left the source since: nothing will ever bring a good
 * version of them.
 */
export async function countGone(site: GoneSite, model: Model): Promise<ReadonlyMap<string, number>> {
  const names = model.tables.map(({ name }) => name);
  const counts = new Map<string, number>();
  for (const { table, rows } of await selectGone(site, model, await listQuarantine(site, model, names)))
    counts.set(table, (counts.get(table) ?? 0) + rows.length);
  return counts;
}

/**
 * Leaves of quarantined rows those that the source does not have any more.
 *
 * @returns the files that have such rows; none where the source cannot be reached from here
 * @throws the source cannot be connected to
 */
export async function selectGone(
  { connectSource }: Pick<Site, 'connectSource'>,
  model: Model,
  files: readonly QuarantineFile[],
): Promise<QuarantineFile[]> {
  if (connectSource === undefined || files.every(({ rows }) => rows.length === 0)) return [];
  return withClient(connectSource(), async (client) => {
    await client.query(`set timezone = 'UTC'; set datestyle = 'ISO, YMD'`);
    const left: QuarantineFile[] = [];
    let asked = 0;
    for (const file of files) {
      const rows = file.rows.slice(0, Math.max(0, maxAskedRows - asked));
      asked += rows.length;
      const table = model.tables.find(({ name }) => name === file.table);
      if (table === undefined || table.kind === 'calendar' || rows.length === 0) continue;
      const gone = await findGone(client, table.source, rows);
      if (gone.length > 0) left.push({ ...file, rows: gone, quarantined: gone.length });
    }
    return left;
  });
}

async function findGone(
  client: pg.ClientBase,
  source: SourceTable,
  rows: readonly QuarantinedRow[],
): Promise<QuarantinedRow[]> {
  // What they were in the source only its key could tell.
  const isMasked = source.columns.some(({ name, type }) => type === 'masked' && source.key.includes(name));
  const keyed = isMasked ? [] : rows.filter(({ key }) => key !== null);
  const columns = source.key.map((_, index) => `k${index}`);
  const keys = keyed.map(({ key }) => [key].flat().map(String));
  const parameters = columns.map((_, index) => `$${index + 1}::text[]`);
  const matches = source.key.map((column, index) =>
    isKey(`s.${quoteIdentifier(column)}`, `wanted.k${index}`),
  );
  try {
    const { rows: gone } = await client.query<{ nth: number }>(
      `select nth::int from unnest(${parameters.join(', ')}) with ordinality as wanted (${columns.join(', ')}, nth)
        where not exists (select from ${quoteSource(source, 'public')} s where ${matches.join(' and ')})
        order by nth`,
      columns.map((_, index) => keys.map((key) => key[index] ?? null)),
    );
    return gone.flatMap(({ nth }) => keyed[nth - 1] ?? []);
  } catch {
    // The table may be gone or forbidden, which status reports by itself.
    return [];
  }
}

/**
 * Whether a column has the value that the ingested zone writes so. A row that is there must never be called gone, so either
 * way of writing it will do.
 */
const isKey = (column: string, wanted: string): string =>
  `(${column}::text = ${wanted} or (to_json(${column}) #>> '{}') = ${wanted})`;

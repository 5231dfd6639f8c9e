import type pg from 'pg';
import { ledgerTable, parkedTable } from '../../shared/ledger/schema/ledger-schema.ts';
import type { Dimension, Fact, Model } from '../../shared/model/model.ts';
import { formatObjectKey, timeOfRun } from '../../shared/object-store/object-key.ts';
import { quoteIdentifier, quoteLiteral, quoteQualified } from '../../shared/postgres/identifier.ts';
import { businessKey, deletedByColumn, objectIdColumn } from '../../shared/warehouse/warehouse-schema.ts';
import { hasLedger } from '../site/ledger.ts';
import { type ColumnType, describeColumns, textOf } from '../verify/databases/postgres-types.ts';
import { selectGenerated } from '../verify/expected/generated-rows.ts';
import { maskKeyVariable, useMaskKey } from '../verify/expected/masked-value.ts';
import { defaultSchema, type IsLate } from '../verify/expected/source-rows.ts';
import { beginReading } from '../verify/verify-warehouse.ts';
import { lacks, referencesOf } from '../waiting/waiting-rows.ts';
import type { RowTexts, TracedDeletion, TracedObject } from './trace.ts';
import type { TracedKey } from './traced-key.ts';

/** What the source has of a key now. */
export interface SourceState {
  /** null where it has no such row. */
  row: RowTexts | null;
  /** It is newer than what must be loaded. */
  isLate: boolean;
}

/** In the source's own snapshot, and by verify's own SQL. */
export async function readSourceState(
  client: pg.Client,
  { table, values }: TracedKey,
  makeIsLate: (client: pg.Client) => Promise<IsLate>,
): Promise<SourceState> {
  await beginReading(client, `'${defaultSchema}, ' || current_setting('search_path')`);
  await useMaskKey(client, { sources: [table.source] }, process.env[maskKeyVariable] || undefined);
  const { query, complete } = await selectGenerated(table, {
    source: client,
    isLate: await makeIsLate(client),
  });
  const types = await describeColumns(client, query);
  const texts = table.columns.map((_, index) => textOf(`c${index}`, types[index] ?? unknownType));
  const conditions = values.map(
    ({ column }, index) => `c${table.columns.findIndex(({ name }) => name === column)} = $${index + 1}`,
  );
  const { rows } = await client.query<{ texts: (string | null)[]; is_pending: boolean }>(
    `select array[${texts.join(', ')}]::text[] as texts, is_pending from (${query}) as expected
      where ${conditions.join(' and ')} limit 1`,
    values.map(({ text }) => text),
  );
  const [found] = rows;
  if (found === undefined) return { row: null, isLate: false };
  return { row: nameTexts(table, complete?.(found.texts) ?? found.texts), isLate: found.is_pending };
}

/** What the warehouse has of a key. */
export interface WarehouseState {
  /** The newest first. */
  versions: FoundRow[];
  waiting: (FoundRow & { waitsFor: { dimension: string; key: string }[] })[];
}

export interface FoundRow {
  row: RowTexts;
  object: TracedObject | null;
  deleted: TracedDeletion | null;
}

/** Of a key with more versions the older ones are left out. */
const mostVersions = 100;

/** In the warehouse's own snapshot, which is open when this returns. */
export async function readWarehouseState(
  client: pg.Client,
  key: TracedKey,
  { model, schema }: { model: Model; schema: string },
): Promise<WarehouseState> {
  await beginReading(client, quoteLiteral(quoteIdentifier(schema)));
  const { table } = key;
  const isLedgerThere = await hasLedger(client);
  const from = quoteQualified(schema, table.name);
  const versions = await selectRows(client, key, { from, isLedgerThere, waits: [] });
  if (table.kind !== 'fact' || !isLedgerThere)
    return { versions: versions.map(toFoundRow(table)), waiting: [] };
  const references = referencesOf(table, model);
  const waiting = await selectRows(client, key, {
    from: parkedTable(table.name),
    isLedgerThere,
    waits: references.map(
      (reference) =>
        `case when ${lacks(reference, schema)} then p.${quoteIdentifier(reference.column)}::text end`,
    ),
  });
  return {
    versions: versions.map(toFoundRow(table)),
    waiting: waiting.map((found) => ({
      ...toFoundRow(table)(found),
      waitsFor: references.flatMap(({ dimension }, index) => {
        const wanted = found.waits[index];
        return wanted == null ? [] : [{ dimension: dimension.name, key: wanted }];
      }),
    })),
  };
}

interface SelectedRow {
  texts: (string | null)[];
  waits: (string | null)[];
  object: LedgerEntry | null;
  deleted: DeletedBy | null;
}

/** The names are null where the ledger does not know the mark. */
interface DeletedBy {
  key: string | null;
  run: string | null;
  enteredAt: string | null;
}

interface LedgerEntry {
  key: string;
  run: string;
  slice: string;
  revision: number;
  generation: string;
  xmax: string;
  xmin: string;
  tie: string;
  loadedAt: string;
  enteredAt: string;
}

async function selectRows(
  client: pg.Client,
  { table, values }: TracedKey,
  { from, isLedgerThere, waits }: { from: string; isLedgerThere: boolean; waits: readonly string[] },
): Promise<SelectedRow[]> {
  const named = table.columns.map(({ name }) => `p.${quoteIdentifier(name)}`);
  const types = await describeColumns(client, `select ${named.join(', ')} from ${from} p`);
  const texts = named.map((sql, index) => textOf(sql, types[index] ?? unknownType));
  const entry = isLedgerThere
    ? `(select json_build_object('key', o.key, 'run', o.run, 'slice', o.slice, 'revision', o.revision,
          'generation', o.generation::text, 'xmax', o.snapshot_xmax::text, 'xmin', o.snapshot_xmin::text,
          'tie', o.tie::text, 'loadedAt', ${iso('o.loaded_at')}, 'enteredAt', ${iso('o.entered_at')})
        from ${ledgerTable} o where o.object_id = p.${quoteIdentifier(objectIdColumn)})`
    : 'null';
  const mark = `p.${quoteIdentifier(deletedByColumn)}`;
  // Rows that are kept may have marks of a time in which they were not.
  const deleted =
    table.deletes !== 'keep' && (await hasMarks(client, from))
      ? `(select json_build_object('key', c.key, 'run', c.run, 'enteredAt', ${iso('c.entered_at')})
        from (select) one left join ${ledgerTable} c on c.object_id = ${mark} where ${mark} is not null)`
      : 'null';
  const versions = businessKey(table).filter((name) => !table.key.includes(name));
  const order = versions.map((name) => `p.${quoteIdentifier(name)} desc`);
  const { rows } = await client.query<SelectedRow>(
    `select array[${texts.join(', ')}]::text[] as texts, array[${waits.join(', ')}]::text[] as waits, ${entry} as object, ${deleted} as deleted
       from ${from} p
      where ${values.map(({ column }, index) => `p.${quoteIdentifier(column)} = $${index + 1}`).join(' and ')}
      ${order.length === 0 ? '' : `order by ${order.join(', ')}`} limit ${mostVersions}`,
    values.map(({ text }) => text),
  );
  return rows;
}

/** Tables of an older version have no marks until their owner has added the column. */
async function hasMarks(client: pg.Client, from: string): Promise<boolean> {
  const { rowCount } = await client.query(
    `select from pg_attribute
      where attrelid = to_regclass($1) and attname = $2 and not attisdropped and to_regclass($3) is not null`,
    [from, deletedByColumn, ledgerTable],
  );
  return rowCount === 1;
}

const iso = (sql: string): string => `to_char(${sql} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

const unknownType: ColumnType = { oid: 0, modifier: -1 };

const nameTexts = ({ columns }: Dimension | Fact, texts: readonly (string | null)[]): RowTexts =>
  Object.fromEntries(columns.map(({ name }, index) => [name, texts[index] ?? null]));

const toFoundRow =
  (table: Dimension | Fact) =>
  ({ texts, object, deleted }: SelectedRow): FoundRow => ({
    row: nameTexts(table, texts),
    object: object && describeEntry(table, object),
    deleted: deleted && describeDeletion(deleted),
  });

const describeDeletion = ({ key, run, enteredAt }: DeletedBy): TracedDeletion => ({
  key,
  run,
  plannedAt: run === null ? null : timeOfRun(run).toISOString(),
  appliedAt: enteredAt,
});

function describeEntry({ source }: Dimension | Fact, entry: LedgerEntry): TracedObject {
  const { key, run, slice, revision, generation, xmax, xmin, tie, loadedAt, enteredAt } = entry;
  return {
    key,
    ingestedKey: formatObjectKey({ zone: 'ingested', table: source.name, run, slice }),
    run,
    slice,
    revision,
    snapshot: { generation, xmax, xmin, tie },
    plannedAt: timeOfRun(run).toISOString(),
    extractedAt: null,
    transformedAt: null,
    loadedAt: enteredAt,
    reloadedAt: loadedAt === enteredAt ? null : loadedAt,
    ingestedLine: null,
    processedLine: null,
  };
}

import { createHash } from 'node:crypto';
import { formatType } from '../../../shared/model/define.ts';
import type { Join, Model, SourceTable, WarehouseTable } from '../../../shared/model/model.ts';
import type { KnownTable, TableFingerprint } from '../../../shared/records/plan/capture-state.ts';
import type { UsableTable } from '../source/tables.ts';

/** A table's fingerprints now. */
export const fingerprintOf = ({ table, fingerprint, labels }: UsableTable, model: Model): FingerprintNow => ({
  source: fingerprint,
  model: fingerprintModel(model, table),
  ...(Object.keys(labels).length > 0 && { labels }),
});

type FingerprintNow = TableFingerprint & { model: string };

/**
 * Hashes what the model makes of a source table: what an extract reads of it, and the warehouse tables that it feeds.
 * When either changes, rows that were captured before have to be captured again.
 *
 * Each part is named here, so that a property that is new to the model's types does not change every table's hash.
 */
function fingerprintModel(model: Model, source: SourceTable): string {
  const fields = source.fields.map(({ name, type }) => [name, type]);
  const joins = source.joins.map(describeJoin);
  const feeds = model.tables.flatMap((table) =>
    table.kind !== 'calendar' && table.source.name === source.name ? [describeTable(table, model)] : [],
  );
  return createHash('sha256')
    .update(JSON.stringify([fields, joins, feeds]))
    .digest('hex');
}

function describeTable(table: Exclude<WarehouseTable, { kind: 'calendar' }>, { calendar }: Model) {
  const columns = table.columns.map(({ name, type, from, nullable, references, listed }) => [
    name,
    formatType(type),
    from.kind,
    from.field,
    nullable,
    references ?? null,
    ...(listed === undefined ? [] : [from.else ?? null, [...listed]]),
  ]);
  const described = [table.kind, table.name, describeKey(table.key)];
  if (table.kind !== 'fact') return [...described, columns];
  // A fact's objects carry the calendar's rows.
  const days = calendar?.columns.map(({ name, type }) => [name, formatType(type)]);
  const { surrogateKey = null } = table;
  return [...described, surrogateKey, columns, calendar?.name, describeKey(calendar?.key ?? []), days];
}

/** A join by the joined table's own name has the form that earlier versions gave it, and so has a key of one column. */
function describeJoin({ path, from, name, match }: Join) {
  const described = [name, Object.entries(match)];
  return path === name && from === undefined ? described : [...described, path, from ?? null];
}

const describeKey = (key: readonly string[]) => (key.length === 1 ? key[0] : key);

/** Whether a table is as the last plan knew it, so that only new rows have to be read. */
export const isUnchanged = (known: KnownTable | undefined, now: FingerprintNow): boolean =>
  known !== undefined &&
  known.source === now.source &&
  !isRelabelled(known, now) &&
  // A state of version 1 does not know the model, so nothing shows that it was another one.
  (known.model === undefined || known.model === now.model);

/** Whether a label has another text, which every row with it is written by from then on. A new label is in no row yet. */
const isRelabelled = ({ labels = {} }: KnownTable, now: FingerprintNow): boolean =>
  Object.entries(labels).some(([oid, label]) => now.labels?.[oid] !== label);

/**
 * Whether a full extract may see exactly what an earlier extract of the table has seen, and yet needs a greater version.
 * Where only the table's definition changed, the statement that changed it has made the version greater already.
 */
export const needsNewerVersion = (known: KnownTable | undefined, now: FingerprintNow): boolean =>
  !isUnchanged(known, now) && known?.model !== now.model;

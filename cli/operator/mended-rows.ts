import type pg from 'pg';
import { parseObjectKey } from '../../shared/object-store/object-key.ts';
import { quoteIdentifier, quoteQualified } from '../../shared/postgres/identifier.ts';
import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { ledgerTable } from '../../shared/warehouse/ledger-schema.ts';
import { objectIdColumn } from '../../shared/warehouse/warehouse-schema.ts';
import { isWhole } from './has-ledger.ts';
import type { QuarantineFile } from './quarantine.ts';
import type { OperatorTarget } from './target.ts';

/** Takes out of the files the rows of which the warehouse has a newer version. */
export async function findMended(
  target: Pick<OperatorTarget, 'warehouse' | 'warehouseSchema'>,
  model: StarSchema,
  files: readonly QuarantineFile[],
): Promise<QuarantineFile[]> {
  const warehouse = await target.warehouse();
  try {
    if (!(await isWhole(warehouse, model, target.warehouseSchema))) return [...files];
    const left: QuarantineFile[] = [];
    for (const file of files) {
      const { table, rows } = file;
      const keys = rows.flatMap(({ key }) => (key === null ? [] : [String(key)]));
      const mended = await selectNewer(warehouse, {
        table: quoteQualified(target.warehouseSchema, table),
        key: quoteIdentifier(model.table(table).key),
        file,
        keys,
      });
      const isLeft = ({ key }: { key: number | string | null }) => key === null || !mended.has(String(key));
      const stillBad = rows.filter(isLeft);
      const count = rows.length - stillBad.length;
      left.push({ ...file, rows: stillBad, mended: count, quarantined: file.quarantined - count });
    }
    return left;
  } finally {
    await warehouse.end();
  }
}

interface NewerQuery {
  table: string;
  key: string;
  file: QuarantineFile;
  keys: readonly string[];
}

/** The slice's own version is in the ledger once any revision of it is loaded; before, nothing counts as newer. */
async function selectNewer(
  warehouse: pg.ClientBase,
  { table, key, file, keys }: NewerQuery,
): Promise<ReadonlySet<string>> {
  const { run, slice } = parseObjectKey(file.ingested);
  const { rows } = await warehouse.query<{ key: string }>(
    `select distinct t.${key}::text as key
     from ${table} t join ${ledgerTable} new on new.object_id = t.${quoteIdentifier(objectIdColumn)}
     where t.${key}::text = any ($1) and (new.generation, new.snapshot_xmax, new.snapshot_xmin, new.tie) > (
       select old.generation, old.snapshot_xmax, old.snapshot_xmin, old.tie from ${ledgerTable} old
       where old.warehouse_table = $2 and old.run = $3 and old.slice = $4
       limit 1
     )`,
    [keys, file.table, run, slice],
  );
  return new Set(rows.map((row) => row.key));
}

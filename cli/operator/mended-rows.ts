import type pg from 'pg';
import { parseObjectKey } from '../../shared/object-store/object-key.ts';
import { quoteIdentifier, quoteQualified } from '../../shared/postgres/identifier.ts';
import type { StarSchema, WarehouseTable } from '../../shared/star-schema/assemble.ts';
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
      const mended = await selectNewer(warehouse, target.warehouseSchema, model.table(file.table), file);
      const stillBad = file.rows.filter(({ key }) => key === null || !mended.has(String(key)));
      const count = file.rows.length - stillBad.length;
      left.push({ ...file, rows: stillBad, mended: count, quarantined: file.quarantined - count });
    }
    return left;
  } finally {
    await warehouse.end();
  }
}

/** The slice's own version is in the ledger once any revision of it is loaded; before, nothing counts as newer. */
async function selectNewer(
  warehouse: pg.ClientBase,
  schema: string,
  table: WarehouseTable,
  file: QuarantineFile,
): Promise<ReadonlySet<string>> {
  const type = table.columns.find(({ name }) => name === table.key)?.type.name ?? 'varchar';
  const keys = file.rows.flatMap(({ key }) => (key === null ? [] : String(key)));
  const { run, slice } = parseObjectKey(file.ingested);
  const key = `t.${quoteIdentifier(table.key)}`;
  const { rows } = await warehouse.query<{ key: string }>(
    `select distinct ${key}::text as key
     from ${quoteQualified(schema, table.name)} t
     join ${ledgerTable} new on new.object_id = t.${quoteIdentifier(objectIdColumn)}
     where ${key} = any ($1::text[]::${type}[])
       and (new.generation, new.snapshot_xmax, new.snapshot_xmin, new.tie) > (
         select old.generation, old.snapshot_xmax, old.snapshot_xmin, old.tie from ${ledgerTable} old
         where old.warehouse_table = $2 and old.run = $3 and old.slice = $4
         limit 1
       )`,
    // A key that is no int is what is wrong with its row, and no row of the warehouse has it.
    [type === 'int' ? keys.filter(isInt) : keys, file.table, run, slice],
  );
  return new Set(rows.map((row) => row.key));
}

const isInt = (text: string): boolean => /^-?\d{1,10}$/.test(text) && Math.abs(Number(text)) < 2 ** 31;

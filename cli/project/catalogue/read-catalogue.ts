import type pg from 'pg';
import { quoteLiteral } from '../../../shared/postgres/identifier.ts';
import { tableNameOf } from '../compile/source-tables.ts';
import {
  type ForeignKey,
  isReservedName,
  type Lock,
  type LockedColumn,
  type LockedTable,
} from '../files/lock-file.ts';

export interface CatalogueColumn {
  name: string;
  type: string;
  base: string | null;
  kind: 'enum' | 'other' | null;
  nullable: boolean;
  /** null for the database's own, and for types that have none. */
  collation: string | null;
  isDeterministic: boolean | null;
}

interface CatalogueForeignKey {
  columns: string[];
  schema: string;
  table: string;
  to: string[];
  valid: boolean;
}

/** A relation of the source with rows: a table, or what looks like one. */
export interface CatalogueTable {
  schema: string;
  table: string;
  /** pg_class.relkind: r a table, p a partitioned one, v a view, m a materialized view, f a foreign table. */
  kind: 'r' | 'p' | 'v' | 'm' | 'f';
  isPartition: boolean;
  /** The oids of the tables that hold its rows: its own, or those of its partitions at the lowest level. */
  leaves: string[];
  oid: string;
  /** Tables that are no partitions inherit from it, so no unique index covers all rows that a query shows. */
  hasHeirs: boolean;
  /** A foreign table is a part of it, of whose rows nobody knows which are new. */
  hasForeignPart: boolean;
  /** It came with an extension. */
  isOfExtension: boolean;
  mayUseSchema: boolean;
  /** As a whole: a right to some columns allows neither to lock the table nor to read which rows are new. */
  mayBeRead: boolean;
  /** The role that reads, as SQL writes it. */
  reader: string;
  hidesRows: boolean;
  columns: CatalogueColumn[];
  primaryKey: string[] | null;
  uniqueKeys: string[][];
  foreignKeys: CatalogueForeignKey[];
}

/** Reads what the source's catalogue says of the tables in some schemas: two catalogue queries, no row of a table. */
export async function readCatalogue(
  source: pg.ClientBase,
  schemas: readonly string[],
): Promise<CatalogueTable[]> {
  await source.query('begin transaction read only');
  try {
    // So that format_type writes every type that is not Postgres' own with its schema, and no other in quotes.
    await source.query("set local search_path = ''; set local quote_all_identifiers = off");
    const { rows } = await source.query<CatalogueTable>(catalogueQuery(schemas));
    return rows.map((table) => withKeysOfPartitions(table, rows));
  } finally {
    await source.query('rollback');
  }
}

/** What every partition declares holds for the whole table. */
function withKeysOfPartitions(table: CatalogueTable, all: readonly CatalogueTable[]): CatalogueTable {
  if (table.kind !== 'p' || table.leaves.length === 0) return table;
  const leaves = table.leaves.map((oid) => all.find((each) => each.oid === oid)?.foreignKeys ?? []);
  const [first = [], ...others] = leaves;
  const isSame = (a: CatalogueForeignKey, b: CatalogueForeignKey) =>
    JSON.stringify({ ...a, valid: true }) === JSON.stringify({ ...b, valid: true });
  const shared = first.flatMap((key) => {
    const found = others.map((keys) => keys.find((other) => isSame(key, other)));
    const isOfAll = found.every((other) => other !== undefined);
    const isKnown = table.foreignKeys.some((other) => isSame(key, other));
    if (!isOfAll || isKnown) return [];
    return [{ ...key, valid: key.valid && found.every((other) => other?.valid === true) }];
  });
  return { ...table, foreignKeys: [...table.foreignKeys, ...shared] };
}

const catalogueQuery = (schemas: readonly string[]): string => `
  with recursive base_type as (
    select oid as domain_oid, typbasetype as oid, typtypmod as modifier
      from pg_catalog.pg_type where typtype = 'd'
     union all
    select base_type.domain_oid, t.typbasetype,
           case when base_type.modifier = -1 then t.typtypmod else base_type.modifier end
      from base_type
      join pg_catalog.pg_type t on t.oid = base_type.oid
     where t.typtype = 'd'
  )
  select n.nspname as schema,
         c.relname as table,
         c.relkind as kind,
         c.relispartition as "isPartition",
         c.oid::text as oid,
         case when c.relkind = 'p'
              then array(select relid::oid::text from pg_partition_tree(c.oid) where isleaf)
              else array[c.oid::text] end as leaves,
         exists (select from pg_catalog.pg_inherits i
                   join pg_catalog.pg_class heir on heir.oid = i.inhrelid
                  where i.inhparent = c.oid and not heir.relispartition) as "hasHeirs",
         exists (select from pg_partition_tree(c.oid) part
                   join pg_catalog.pg_class member on member.oid = part.relid
                  where c.relkind = 'p' and member.relkind = 'f') as "hasForeignPart",
         exists (select from pg_catalog.pg_depend d
                  where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
                    and d.deptype = 'e') as "isOfExtension",
         has_schema_privilege(n.oid, 'usage') as "mayUseSchema",
         has_table_privilege(c.oid, 'select') as "mayBeRead",
         quote_ident(current_user) as reader,
         row_security_active(c.oid) as "hidesRows",
         (select coalesce(json_agg(json_build_object(
                   'name', a.attname,
                   'type', format_type(a.atttypid, a.atttypmod),
                   'base', case when declared.typtype = 'd'
                                then format_type(based.oid, base_type.modifier) end,
                   'kind', case when own.typtype = 'e' then 'enum'
                                when own.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace then 'other' end,
                   'nullable', not a.attnotnull,
                   'collation', (select quote_ident(cn.nspname) || '.' || quote_ident(co.collname)
                                   from pg_catalog.pg_namespace cn where cn.oid = co.collnamespace),
                   'isDeterministic', co.collisdeterministic
                 ) order by a.attnum), '[]')
            from pg_catalog.pg_attribute a
            join pg_catalog.pg_type declared on declared.oid = a.atttypid
            left join pg_catalog.pg_collation co on co.oid = a.attcollation and co.collprovider <> 'd'
            left join base_type on base_type.domain_oid = a.atttypid
                 and not exists (select from pg_catalog.pg_type d where d.oid = base_type.oid and d.typtype = 'd')
            left join pg_catalog.pg_type based on based.oid = base_type.oid
            join pg_catalog.pg_type own on own.oid = coalesce(based.oid, declared.oid)
           where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
         (select json_agg(a.attname order by k.place)
            from pg_catalog.pg_index i
            cross join unnest(i.indkey) with ordinality k (number, place)
            join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
           where i.indrelid = c.oid and i.indisprimary and i.indisvalid
             and k.place <= i.indnkeyatts) as "primaryKey",
         (select coalesce(json_agg(u.columns order by u.columns::text), '[]')
            from (select json_agg(a.attname order by k.place) as columns
                    from pg_catalog.pg_index i
                    cross join unnest(i.indkey) with ordinality k (number, place)
                    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
                   where i.indrelid = c.oid and i.indisunique and i.indisvalid
                     and i.indpred is null and i.indexprs is null and k.place <= i.indnkeyatts
                   group by i.indexrelid) u) as "uniqueKeys",
         (select coalesce(json_agg(json_build_object(
                   'columns', (select json_agg(a.attname order by k.place)
                                 from unnest(f.conkey) with ordinality k (number, place)
                                 join pg_catalog.pg_attribute a
                                   on a.attrelid = f.conrelid and a.attnum = k.number),
                   'schema', far_schema.nspname,
                   'table', far.relname,
                   'to', (select json_agg(a.attname order by k.place)
                            from unnest(f.confkey) with ordinality k (number, place)
                            join pg_catalog.pg_attribute a on a.attrelid = f.confrelid and a.attnum = k.number),
                   'valid', f.convalidated
                 ) order by f.conkey, f.conname), '[]')
            from pg_catalog.pg_constraint f
            join pg_catalog.pg_class far on far.oid = f.confrelid
            join pg_catalog.pg_namespace far_schema on far_schema.oid = far.relnamespace
           where f.conrelid = c.oid and f.contype = 'f' and not far.relispartition) as "foreignKeys"
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where n.nspname in (${schemas.map(quoteLiteral).join(', ')})
     and c.relkind in ('r', 'p', 'v', 'm', 'f')
   order by array_position(array[${schemas.map(quoteLiteral).join(', ')}]::name[], n.nspname), c.relname collate "C"`;

/** A table as the lock has it, without a column that no file can name. Foreign keys to schemas that the project does not read lead nowhere. */
export function lockTable(table: CatalogueTable, schemas: readonly string[]): LockedTable {
  const [defaultSchema = 'public'] = schemas;
  const foreignKeys = table.foreignKeys
    .filter(({ schema }) => schemas.includes(schema))
    .map(
      ({ columns, schema, table: target, to, valid }): ForeignKey => ({
        columns,
        table: tableNameOf(schema, target, defaultSchema),
        to,
        ...(!valid && { valid: false as const }),
      }),
    );
  return {
    columns: Object.fromEntries(
      table.columns
        .filter(({ name }) => !isReservedName(name))
        .map((column) => [column.name, lockColumn(column)]),
    ),
    ...(table.primaryKey !== null && { primaryKey: table.primaryKey }),
    uniqueKeys: table.uniqueKeys,
    foreignKeys: dropRepeated(foreignKeys),
  };
}

/** Of several constraints that say the same, the one that holds for all rows. */
function dropRepeated(foreignKeys: readonly ForeignKey[]): ForeignKey[] {
  const byContent = new Map<string, ForeignKey>();
  for (const key of foreignKeys) {
    const content = JSON.stringify([key.columns, key.table, key.to]);
    if (byContent.get(content)?.valid !== undefined || !byContent.has(content)) byContent.set(content, key);
  }
  return [...byContent.values()];
}

const lockColumn = ({
  type,
  nullable,
  base,
  kind,
  collation,
  isDeterministic,
}: CatalogueColumn): LockedColumn => ({
  type,
  nullable,
  ...(base !== null && { base }),
  ...(kind !== null && { kind }),
  ...(collation !== null && { collation }),
  ...(isDeterministic === false && { deterministic: false as const }),
});

/** Every table of the catalogue, as a lock: what a model that is not written yet could read. */
export function lockCatalogue(
  catalogue: readonly CatalogueTable[],
  schemas: readonly string[],
  offered: readonly string[] = [],
): Lock {
  const [defaultSchema = 'public'] = schemas;
  const tables = catalogue
    .filter(({ kind }) => kind === 'r' || kind === 'p')
    .map(
      (table) => [tableNameOf(table.schema, table.table, defaultSchema), lockTable(table, schemas)] as const,
    );
  return { version: 1, tables: Object.fromEntries(tables), offered: [...offered] };
}

/** The part of a lock that a model reads: its tables, and the foreign keys between them. */
export function pruneLock(lock: Lock, reads: ReadonlySet<string>): Lock {
  const tables = Object.entries(lock.tables)
    .filter(([name]) => reads.has(name))
    .map(([name, table]) => {
      const foreignKeys = table.foreignKeys.filter(({ table: target }) => reads.has(target));
      return [name, { ...table, foreignKeys }] as const;
    });
  return { ...lock, tables: Object.fromEntries(tables) };
}

import { toPipelineError } from '../../../shared/classify-error.ts';
import { TerminalError } from '../../../shared/errors.ts';
import { formatWanted, type LockableTable } from '../../../shared/postgres/lock-holder.ts';
import type { Statements } from './statements.ts';

export interface RelationColumn {
  number: number;
  name: string;
  /** The base type's oid if the type is a domain. */
  typeOid: number;
  /** The base type's pg_type.typtype: 'e' for an enum. */
  typeKind: string;
  /** The base type's pg_type.typcategory. */
  typeCategory: string;
  /** As Postgres writes it: `character varying(20)`. */
  typeName: string;
  /** The expression of a generated column. */
  generatedAs: string | null;
  /** The attributes of the composite types that its values are made of; null where there is none. */
  attributes: string | null;
  isNotNull: boolean;
}

interface RelationMember {
  oid: string;
  name: string;
  /** pg_class.relkind. */
  kind: string;
}

/** A table of the source as its catalog describes it. */
export interface Relation {
  /** See `sourceNameOf`. */
  name: string;
  oid: string;
  kind: string;
  mayBeRead: boolean;
  hidesRows: boolean;
  /** The table itself, its partitions and the tables that inherit from it, by oid: a query shows the rows of all. */
  members: RelationMember[];
  /** Changes when the rows of any member move to another file: CLUSTER, VACUUM FULL, TRUNCATE. */
  fileNode: string;
  /** The files themselves, pg_relation_filenode of each member that has one. */
  fileNodes: string[];
  /** A member is not logged, so nothing of it is in the log. */
  isUnlogged: boolean;
  /**
   * Changes when the server's statistics count a delete in any member, or were reset. What is not reported yet is not in it. Empty
   * until `noteDeletes`.
   */
  deletes: string;
  /** The same of updates that are not HOT. An update of a key is among them; most of them update other columns. */
  updates: string;
  columns: RelationColumn[];
  /** By the oid of pg_enum: the labels that its values are written with. */
  labels: Record<string, string>;
  /**
   * The columns of each unique index that covers every committed row, apart from nulls; for a partitioned table, the
   * indexes over all partitions. The indexes of a table do not cover the rows of tables that inherit from it.
   */
  uniqueKeys: string[][];
  /** The columns by which a valid B-tree over all rows leads, in every member that has rows. */
  ledBy: string[];
  /** Heap blocks of all members, as the server's last vacuum or analyze counted them. */
  pages: number;
  /** Rows of all members, as it estimated them; 0 where there was none. */
  rows: number;
}

/**
 * Describes those of the named relations that exist. Takes no lock on them, so a table under an exclusive lock does
 * not delay the others.
 *
 * A deferrable constraint is a unique key like any other: it is checked before its transaction commits, and a snapshot
 * shows only what has committed.
 */
export async function selectRelations(
  source: Statements,
  tables: readonly LockableTable[],
): Promise<Relation[]> {
  const { rows } = await source.query<Relation>(
    `
    with recursive root as (
      select c.oid, wanted.name, c.relname, c.relkind, c.relpages, n.oid as schema_oid
        from (values ${tables.map(formatWanted).join(', ')}) as wanted (nspname, relname, name)
        join pg_namespace n on n.nspname = wanted.nspname
        join pg_class c on c.relnamespace = n.oid and c.relname = wanted.relname
       where c.relkind in ('r', 'p', 'v', 'm', 'f')
    ),
    member as (
      select oid as root_oid, oid, relname, relkind, relpages from root
       union
      select member.root_oid, c.oid, c.relname, c.relkind, c.relpages
        from member
        join pg_inherits i on i.inhparent = member.oid
        join pg_class c on c.oid = i.inhrelid
    ),
    base_type as (
      select oid as type_oid, oid, typtype, typbasetype from pg_type where typtype = 'd'
       union all
      select base_type.type_oid, t.oid, t.typtype, t.typbasetype
        from base_type
        join pg_type t on t.oid = base_type.typbasetype
       where base_type.typtype = 'd'
    ),
    -- The types that a value of a column's type is made of; those of the server itself have neither labels nor attributes.
    part as (
      select a.atttypid as type_oid, a.atttypid as oid
        from root join pg_attribute a on a.attrelid = root.oid
       where a.attnum > 0 and a.atttypid >= 16384
       union
      select part.type_oid, inner_type.oid
        from part
        join pg_type t on t.oid = part.oid
       cross join lateral (
              select t.typbasetype as oid
               union all
              select t.typelem
               union all
              select a.atttypid from pg_attribute a where a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped
               union all
              -- A server before 14 has no multiranges.
              select r.rngsubtype from pg_range r
               where t.oid in (r.rngtypid, (to_jsonb(r) ->> 'rngmultitypid')::oid)) as inner_type
       where inner_type.oid >= 16384
    )
    select root.name,
           root.oid::text as oid,
           root.relkind as kind,
           has_schema_privilege(root.schema_oid, 'usage') and has_table_privilege(root.oid, 'select') as "mayBeRead",
           row_security_active(root.oid) as "hidesRows",
           (select json_agg(json_build_object('oid', oid::text, 'name', relname, 'kind', relkind) order by oid)
              from member where root_oid = root.oid) as members,
           (select md5(string_agg(concat(oid, ':', pg_relation_filenode(oid)), ' ' order by oid))
              from member where root_oid = root.oid) as "fileNode",
           (select coalesce(json_agg(pg_relation_filenode(oid)::text) filter (where pg_relation_filenode(oid) is not null), '[]')
              from member where root_oid = root.oid) as "fileNodes",
           (select bool_or(c.relpersistence <> 'p')
              from member join pg_class c on c.oid = member.oid where root_oid = root.oid) as "isUnlogged",
           '' as deletes, '' as updates,
           (select coalesce(json_agg(json_build_object(
                     'number', a.attnum,
                     'name', a.attname,
                     'typeOid', t.oid::int8,
                     'typeKind', t.typtype,
                     'typeCategory', t.typcategory,
                     'typeName', format_type(a.atttypid, a.atttypmod),
                     'generatedAs', case when a.attgenerated <> '' then pg_get_expr(d.adbin, d.adrelid) end,
                     'attributes', (select string_agg(concat_ws(':', inside.attrelid, inside.attnum, inside.atttypid, inside.atttypmod),
                                                      ' ' order by inside.attrelid, inside.attnum)
                                      from part
                                      join pg_type composite on composite.oid = part.oid
                                      join pg_attribute inside on inside.attrelid = composite.typrelid
                                     where part.type_oid = a.atttypid and inside.attnum > 0 and not inside.attisdropped),
                     'isNotNull', a.attnotnull
                   ) order by a.attnum), '[]')
              from pg_attribute a
              left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
              left join base_type on base_type.type_oid = a.atttypid and base_type.typtype <> 'd'
              join pg_type t on t.oid = coalesce(base_type.oid, a.atttypid)
             where a.attrelid = root.oid and a.attnum > 0 and not a.attisdropped) as columns,
           (select coalesce(json_object_agg(e.oid, e.enumlabel), '{}')
              from pg_enum e
             where e.enumtypid in (select part.oid from part join pg_attribute a on a.atttypid = part.type_oid
                                    where a.attrelid = root.oid and a.attnum > 0 and not a.attisdropped)) as labels,
           (select coalesce(json_agg((
                     select json_agg(a.attname order by k.place)
                       from unnest(i.indkey) with ordinality k (number, place)
                       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
                      where k.place <= i.indnkeyatts)), '[]')
              from pg_index i
             where i.indrelid = root.oid and i.indisunique and i.indisvalid
               and i.indpred is null and i.indexprs is null) as "uniqueKeys",
           (select coalesce(json_agg(led.attname), '[]')
              from (select a.attname
                      from member
                      join pg_index i on i.indrelid = member.oid
                      join pg_class indexed on indexed.oid = i.indexrelid
                      join pg_am on pg_am.oid = indexed.relam
                      join pg_opclass on pg_opclass.oid = i.indclass[0]
                      join pg_attribute a on a.attrelid = member.oid and a.attnum = i.indkey[0]
                     where member.root_oid = root.oid and member.relkind = 'r' and i.indisvalid and i.indpred is null
                       and pg_am.amname = 'btree' and pg_opclass.opcdefault
                     group by a.attname
                    having count(distinct member.oid)
                           = (select count(*) from member where root_oid = root.oid and relkind = 'r')) as led) as "ledBy",
           (select sum(relpages)::float8 from member where root_oid = root.oid) as pages,
           (select sum(greatest(c.reltuples, 0))::float8
              from member join pg_class c on c.oid = member.oid where root_oid = root.oid) as rows
      from root`,
  );
  return rows;
}

/**
 * Notes in each relation what the server's statistics have counted of its deletes and updates. Where this role may not ask, any
 * transaction may have deleted something.
 *
 * Outside of a transaction: what the server refuses must not end the caller's work.
 */
export async function noteDeletes(source: Statements, relations: readonly Relation[]): Promise<void> {
  if (relations.length === 0) return;
  const members = relations.flatMap(({ oid, members: parts }) =>
    parts.map((member) => `(${oid}::oid, ${member.oid}::oid)`),
  );
  const counted = await selectDeletes(source, members);
  for (const relation of relations) {
    const { deletes = '', updates = '' } = counted.get(relation.oid) ?? {};
    Object.assign(relation, { deletes, updates });
  }
}

async function selectDeletes(
  source: Statements,
  members: readonly string[],
): Promise<ReadonlyMap<string, Pick<Relation, 'deletes' | 'updates'>>> {
  const select = (deletes: string, updates: string, from: string) =>
    source.query<Pick<Relation, 'oid' | 'deletes' | 'updates'>>(`
      select root::text as oid, ${deletes} as deletes, ${updates} as updates
        from (values ${members.join(', ')}) as member (root, oid)${from}
       group by root`);
  try {
    const { rows } = await select(
      `md5(string_agg(concat_ws(':', member.oid, pg_stat_get_tuples_deleted(member.oid)), ' ' order by member.oid)
           || concat_ws(' ', min(reset.of_database), min(reset.of_server)))`,
      'sum(pg_stat_get_tuples_updated(member.oid) - pg_stat_get_tuples_hot_updated(member.oid))::text',
      `, (select pg_stat_get_db_stat_reset_time(oid) as of_database, pg_stat_get_bgwriter_stat_reset_time() as of_server
            from pg_database where datname = current_database()) as reset`,
    );
    return new Map(rows.map((row) => [row.oid, row]));
  } catch (thrown) {
    const error = toPipelineError(thrown);
    if (!(error instanceof TerminalError)) throw error;
    const { rows } = await select('pg_snapshot_xmax(pg_current_snapshot())::text', `''`, '');
    return new Map(rows.map((row) => [row.oid, row]));
  }
}

export interface RelationSize {
  /** Heap blocks of the member that has the most: a ctid of any member lies below. */
  blocks: number;
  /** Heap and TOAST of all members. */
  bytes: number;
  /** Estimated from the server's last vacuum or analyze; 0 if there was none. */
  rows: number;
  /** The server's version, as 150004 for 15.4. */
  serverVersion: number;
}

/** Sizes are read from the files, under a lock: pg_class.relpages is as old as the last vacuum. */
export async function selectSize(source: Statements, oids: readonly string[]): Promise<RelationSize> {
  const { rows } = await source.query<{ [K in keyof RelationSize]: string }>(
    `
    select coalesce(max(blocks), 0)::text as blocks,
           coalesce(sum(pg_table_size(oid)), 0)::text as bytes,
           coalesce(sum(greatest(reltuples, 0) / greatest(relpages, 1) * blocks), 0)::text as rows,
           current_setting('server_version_num') as "serverVersion"
      from pg_class,
           lateral (select pg_relation_size(oid) / current_setting('block_size')::int8 as blocks) as size
     where oid = any('{${oids.join(',')}}'::oid[])`,
  );
  const { blocks = '0', bytes = '0', rows: estimate = '0', serverVersion = '0' } = rows[0] ?? {};
  return {
    blocks: Number(blocks),
    bytes: Number(bytes),
    rows: Number(estimate),
    serverVersion: Number(serverVersion),
  };
}

import type { Statements } from './plan-statements.ts';

export interface RelationSize {
  /** Heap blocks of the member that has the most: a ctid of any member lies below. */
  blocks: number;
  /** Heap and TOAST of all members. */
  bytes: number;
  /** Rows, as the server's last vacuum or analyze leads to expect; 0 where there has been none. */
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
    ...{ blocks: Number(blocks), bytes: Number(bytes), rows: Number(estimate) },
    serverVersion: Number(serverVersion),
  };
}

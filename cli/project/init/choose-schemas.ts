import type pg from 'pg';
import { UsageError } from '../../terminal/usage-error.ts';
import { schemasOf } from '../compile/source-tables.ts';
import type { Project } from '../files/read-project.ts';

/** Schemas that schedulers, job queues, map data and the like make for themselves. */
const ownedByTools =
  /^(cron|pgboss|graphile_worker|hdb_catalog|topology|tiger|tiger_data|partman|pglogical|repack|_timescaledb_.*)$/;

/**
 * Chooses the schemas that a project reads: those that are asked for, else the project's own, else all that have tables,
 * but for those in which a tool keeps its own.
 *
 * @throws {UsageError} no schema has a table
 */
export async function chooseSchemas(
  source: pg.ClientBase,
  wanted: readonly string[] | undefined,
  project: Project | undefined,
): Promise<{ schemas: readonly string[]; others: readonly string[] }> {
  const { rows } = await source.query<{ name: string }>(`
    select n.nspname as name
      from pg_catalog.pg_namespace n
     where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'starlift')
       and exists (select from pg_catalog.pg_class c
                    where c.relnamespace = n.oid and c.relkind in ('r', 'p')
                      and not exists (select from pg_catalog.pg_depend d
                                       where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                                         and d.objid = c.oid and d.deptype = 'e'))
     order by n.nspname <> 'public', n.nspname collate "C"`);
  const present = rows.map(({ name }) => name);
  const unknown = wanted?.find((name) => !present.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(
      `--schemas ${unknown}: the source has no such schema with tables (there are ${present.join(', ') || 'none'})`,
    );
  }
  if (present.length === 0) throw new UsageError('the source has no tables');
  const chosen =
    wanted ??
    (project === undefined ? undefined : schemasOf(project.contents)) ??
    present.filter((name) => !ownedByTools.test(name));
  return { schemas: chosen, others: present.filter((name) => !chosen.includes(name)) };
}

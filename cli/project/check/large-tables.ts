import type pg from 'pg';
import { selectSummarizing } from '../../../services/ingestion/source/wal-summaries.ts';
import type { Model, SourceTable } from '../../../shared/model/model.ts';
import { quoteSource } from '../../../shared/model/source-name.ts';
import { formatBytes } from '../../terminal/wording.ts';
import { defaultSchema } from '../../verify/expected/source-rows.ts';

/** A look at less takes no time that anybody would miss. */
const largeBytes = 128 * 2 ** 20;

/**
 * What would make the looks at large tables of a source cheaper.
 *
 * @param worthBytes from which size on a table is large
 * @returns sentences, each with the statement that does it; none where no table is large, or all is done
 */
export async function adviseLargeTables(
  source: pg.ClientBase,
  { sources }: Pick<Model, 'sources'>,
  worthBytes = largeBytes,
): Promise<string[]> {
  const sized = await selectBytes(source, sources);
  const large = sized.filter(({ bytes }) => bytes > worthBytes).toSorted((a, b) => b.bytes - a.bytes);
  const [largest] = large;
  if (largest === undefined) return [];
  const which =
    large.length === 1
      ? `${largest.table.name} (${formatBytes(largest.bytes)})`
      : `${large.length} large tables, such as ${largest.table.name} (${formatBytes(largest.bytes)})`;
  const { isAble, isOn } = await selectSummarizing(source);
  if (isOn) return [];
  if (!isAble) {
    return [
      `A look at ${which} reads all of it. From Postgres 17 on, summaries of the log name the blocks that were written to.`,
    ];
  }
  return [
    `A look at ${which} would read only the blocks that were written to, if the source summarized its log: ` +
      'alter system set summarize_wal = on; select pg_reload_conf();',
  ];
}

async function selectBytes(source: pg.ClientBase, sources: readonly SourceTable[]) {
  const { rows } = await source.query<{ bytes: number | null }>({
    text: `
      select greatest(pg_relation_size(oid),
                      -- A partitioned table has no blocks of its own.
                      (select sum(pg_relation_size(relid)) from pg_partition_tree(oid)))::float8 as bytes
        from unnest($1::text[]) with ordinality as named (name, place), to_regclass(name) as oid
       order by place`,
    values: [sources.map((table) => quoteSource(table, defaultSchema))],
  });
  return sources.map((table, index) => ({ table, bytes: rows[index]?.bytes ?? 0 }));
}

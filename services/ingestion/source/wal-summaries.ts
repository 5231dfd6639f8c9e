import { lsnToNumber } from './snapshot.ts';
import type { Statements } from './statements.ts';

/** What the server's summaries of its log say of the blocks that it wrote to. */
export interface WalSummaries {
  /** Of the server's own timeline. */
  files: readonly SummaryFile[];
  /** Of the relations that were asked for, and of the whole database. */
  named: readonly NamedBlocks[];
}

export interface SummaryFile {
  start: bigint;
  end: bigint;
}

/** Blocks of one relation that one file names. */
interface NamedBlocks extends SummaryFile {
  /** pg_relation_filenode; 0 stands for the whole database. */
  fileNode: string;
  /** The relation was cut to a length, made or dropped. */
  isCut: boolean;
  blocks: number[];
}

/** From this version on a server may summarize its log. */
const firstWithSummaries = 170_000;

/** Whether the server can summarize its log, and whether it does. */
export async function selectSummarizing(source: Statements): Promise<{ isAble: boolean; isOn: boolean }> {
  const { rows } = await source.query<{ isAble: boolean; isOn: boolean }>(`
    select current_setting('server_version_num')::int >= ${firstWithSummaries} as "isAble",
           coalesce(current_setting('summarize_wal', true), 'off') = 'on' as "isOn"`);
  return rows[0] ?? { isAble: false, isOn: false };
}

/**
 * Reads what the summaries say of these relations, all in one statement: a relation that no file names costs as much by itself as
 * all together.
 *
 * Relations are told by database and file, never by tablespace, which may change and move nothing.
 *
 * A restore, a rewind or a standby that follows another server may leave summaries of a log that is not its own any more, for
 * the very positions that its own log has reached since.
 *
 * @param fileNodes pg_relation_filenode
 * @param log.from a position; what was logged before it is of no interest
 * @returns undefined where there are none, or this role may not read them, or a file was removed meanwhile
 */
export async function selectWalSummaries(
  source: Statements,
  fileNodes: readonly string[],
  { from, timeline }: { from: string; timeline: number },
): Promise<WalSummaries | undefined> {
  try {
    const { isAble, isOn } = await selectSummarizing(source);
    if (!isAble || !isOn) return undefined;
    // Files are listed and read in one statement: of one that is removed in between it would say nothing, as of one without blocks.
    const { rows } = await source.query<{
      start: string;
      end: string;
      fileNode: string | null;
      isCut: boolean | null;
      blocks: number[] | null;
    }>(`
      with file as materialized (
        select tli, start_lsn, end_lsn
          from pg_available_wal_summaries()
         where tli = ${timeline} and end_lsn > '${from}'::pg_lsn
      )
      select file.start_lsn::text as start, file.end_lsn::text as end, named.*
        from file
        left join lateral (
          select relfilenode::text as "fileNode", bool_or(is_limit_block) as "isCut",
                 json_agg(relblocknumber) filter (where not is_limit_block) as blocks
            from pg_wal_summary_contents(file.tli, file.start_lsn, file.end_lsn)
           where relforknumber = 0
             and reldatabase = (select oid from pg_database where datname = current_database())
             and relfilenode = any('{0,${fileNodes.join(',')}}'::oid[])
           group by relfilenode) as named on true`);
    if (rows.length === 0) return undefined;
    return {
      files: rows.map(toFile),
      named: rows.flatMap(({ fileNode, isCut, blocks, ...file }) =>
        fileNode === null ? [] : [{ ...toFile(file), fileNode, isCut: isCut === true, blocks: blocks ?? [] }],
      ),
    };
  } catch (thrown) {
    // What the server itself says is about its summaries; a connection that was lost is the plan's own failure.
    if (/^(?!08|57P)[0-9A-Z]{5}$/.test(String((thrown as { code?: unknown }).code))) return undefined;
    throw thrown;
  }
}

const toFile = ({ start, end }: { start: string; end: string }): SummaryFile => ({
  start: lsnToNumber(start),
  end: lsnToNumber(end),
});

/** Up to where the files leave nothing out, from a position on; undefined where they do not begin there. */
export function coveredUntil(files: readonly SummaryFile[], from: bigint): bigint | undefined {
  let until: bigint | undefined;
  for (const { start, end } of files.toSorted((a, b) => (a.start < b.start ? -1 : 1))) {
    if (end <= from) continue;
    if (start > (until ?? from)) break;
    if (until === undefined || end > until) until = end;
  }
  return until;
}

/**
 * The blocks of these files of a relation that were written to between two positions.
 *
 * @returns undefined where blocks do not tell: the relation, or the whole database, was cut or made anew
 */
export function blocksBetween(
  { named }: WalSummaries,
  fileNodes: readonly string[],
  { start, end }: SummaryFile,
): number[] | undefined {
  const own = named.filter(
    (each) =>
      each.end > start && each.start < end && (each.fileNode === '0' || fileNodes.includes(each.fileNode)),
  );
  if (own.some(({ isCut, fileNode }) => isCut || fileNode === '0')) return undefined;
  return [...new Set(own.flatMap(({ blocks }) => blocks))].sort((a, b) => a - b);
}

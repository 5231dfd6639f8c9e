import type pg from 'pg';
import { defaultQuietRules } from '../../../services/ingestion/plan/look/choose-look.ts';
import { seen } from '../../helpers/seen.ts';

/** Which ways a plan has to leave a table out, to bring its changes forward, or to read but a part of it. */
export interface Hints {
  name: string;
  counters: boolean;
  /** Extracts look at tables, block by block, and not the plan. */
  ranges: boolean;
  index: boolean;
  summaries: boolean;
}

const none = { counters: false, ranges: false, index: false, summaries: false };

export const allHints: Hints = { name: 'all', counters: true, ranges: true, index: true, summaries: true };

/** All but those that have an extract for each range of each table, at each look. */
export const cheapHints: Hints = { ...allHints, name: 'cheap', ranges: false };

export const hintsAlone: readonly Hints[] = [
  { name: 'counters', ...none, counters: true },
  { name: 'ranges', ...none, ranges: true },
  { name: 'index', ...none, index: true },
  { name: 'summaries', ...none, summaries: true },
];

/** HINTS=index is one of them alone. */
export function takeHints(usual: readonly Hints[]): readonly Hints[] {
  const { HINTS: name } = process.env;
  if (name === undefined) return usual;
  const found = [allHints, cheapHints, ...hintsAlone].find((hints) => hints.name === name);
  if (found === undefined)
    throw new Error(`HINTS=${name} is none of all, cheap, counters, ranges, index, summaries`);
  return [found];
}

const facts = ['sales_order', 'purchase_order', 'payment'];

/** Has the source offer these alone. It has to be one that summarizes its log. */
export async function offerHints(source: pg.Client, { counters, index, summaries }: Hints): Promise<void> {
  const allow = (isAllowed: boolean, what: string) =>
    isAllowed
      ? `grant execute on function ${what} to public`
      : `revoke execute on function ${what} from public`;
  const indexes = facts.map((fact) =>
    index
      ? `create index if not exists ${fact}_changed on ${fact} (last_updated)`
      : `drop index if exists ${fact}_changed`,
  );
  await source.query(
    [
      allow(counters, 'pg_stat_get_tuples_inserted(oid)'),
      allow(summaries, 'pg_available_wal_summaries()'),
      ...indexes,
    ].join(';'),
  );
}

/** Makes small tables large ones to the plan. To be set before its handler is loaded. */
export const environmentOf = ({ counters, ranges, summaries, index }: Hints): Record<string, string> => ({
  QUIET_ABOVE_MIB: '0',
  LOOK_SETTINGS: JSON.stringify({
    ...(ranges && { probeMaxBytes: 0, lookBytes: 8192 }),
    // After its first look a table rests for as long as the test takes, where nothing else would leave it out.
    ...(!counters && (summaries || index) && { restFactor: 1e9 }),
    ...(summaries && { summariesAgeSeconds: defaultQuietRules.maxAgeSeconds }),
    overlapSeconds: 0,
  }),
});

/** Summaries of the log reach to the last checkpoint. */
export async function summarizeLog(source: pg.Client): Promise<void> {
  const { rows } = await source.query<{ lsn: string }>('select pg_current_wal_insert_lsn()::text as lsn');
  await source.query('checkpoint');
  await seen(async () => {
    const { rowCount } = await source.query(
      'select from pg_available_wal_summaries() where end_lsn >= $1::pg_lsn limit 1',
      [rows[0]?.lsn],
    );
    return rowCount === 1;
  });
}

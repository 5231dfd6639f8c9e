import type { Statements } from './plan-statements.ts';

/** Which xids to ask for: those of [from, to), and those listed. Decimal digits of an xid8. */
export interface XidCandidates {
  from: string;
  to: string;
  listed: readonly string[];
}

/**
 * Those of the candidates that are in progress now, in ascending order.
 *
 * pg_xact_status knows what a snapshot does not tell: subtransactions (savepoints) one by one, prepared
 * transactions, and on a standby what is in progress on its primary.
 */
export async function selectInProgress(source: Statements, candidates: XidCandidates): Promise<string[]> {
  const { rows } = await source.query<{ xid: string }>(
    `
    with candidate as (
      select unnest('{${candidates.listed.join(',')}}'::int8[]) as xid
       union
      select generate_series('${candidates.from}'::int8, '${candidates.to}'::int8 - 1)
    )
    select xid::text
      from candidate
     where pg_xact_status(xid::text::xid8) = 'in progress'
     order by candidate.xid`,
  );
  return rows.map(({ xid }) => xid);
}

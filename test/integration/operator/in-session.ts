import { connect } from '../../../cli/database/connect.ts';
import type { RunReport } from '../../../cli/run/report/make-report.ts';
import { seen } from '../../helpers/seen.ts';
import type { OperatedStack } from './operated-stack.ts';

/** Changes the source, and waits until it counts that: a session reports what it has deleted when it ends. */
export async function inSession(
  stack: Pick<OperatedStack, 'source' | 'sourceUrl'>,
  sql: string,
): Promise<void> {
  const counted = async () => {
    const [row] = await stack.source<{ changes: string }>(
      `select sum(n_tup_del + n_tup_upd + n_tup_ins)::text || ' ' || pg_relation_filenode('payment') as changes
         from pg_stat_user_tables`,
    );
    return row?.changes;
  };
  const before = await counted();
  const client = await connect(stack.sourceUrl, 'source');
  await client.query(sql).finally(() => client.end());
  await seen(async () => (await counted()) !== before);
}

/** Runs until a run has marked or removed rows: a census that took long on a busy machine rests before the next one. */
export async function runUntilDeleted(stack: Pick<OperatedStack, 'run'>): Promise<RunReport> {
  let report: RunReport | undefined;
  await seen(async () => {
    report = await stack.run();
    return report.tables.some(({ deleted }) => deleted > 0);
  });
  if (report === undefined) throw new Error('no run has ended');
  return report;
}

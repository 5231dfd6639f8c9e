import type pg from 'pg';
import type { PlanDeps } from '../../../../services/ingestion/plan/plan-run.ts';
import { knownOf, readCaptureState } from '../../../../shared/records/plan/capture-state.ts';
import type { PlannedRun } from '../../../../shared/records/plan/run-record.ts';
import type { CaptureBench } from '../capture-bench.ts';

/** Small tables too are left out while they are quiet, for an hour. However long a look takes, none rests after it. */
export const quietOptions = {
  quiet: { maxAgeSeconds: 3600, alwaysBytes: -1, restFactor: 0, overlapSeconds: 60, summariesAgeSeconds: 0 },
} satisfies Partial<PlanDeps>;

/** Plans, and extracts what was found. */
export async function runQuiet(bench: CaptureBench, options: Partial<PlanDeps> = {}): Promise<PlannedRun> {
  const planned = await bench.plan({ ...quietOptions, ...options });
  await bench.extractAll(options.restart && { restart: options.restart });
  return planned;
}

/** The connections, with something that is done after each query of a plan, before the plan goes on. */
export const afterEachQuery = (
  { withClient }: CaptureBench['database'],
  after: (sql: string) => Promise<void>,
): CaptureBench['database'] => ({
  withClient: (work) =>
    withClient((client) => {
      const query = async (sql: string) => {
        const result: unknown = await client.query(sql);
        await after(sql);
        return result;
      };
      return work(
        new Proxy(client, { get: (_, name) => (name === 'query' ? query : Reflect.get(client, name)) }),
      );
    }),
});

/** Why each table was looked at or left out. */
export const reasons = ({ looks = [] }: PlannedRun): Record<string, string> =>
  Object.fromEntries(looks.map(({ table, because }) => [table, because]));

/** Runs the statements, and has the session report them. Otherwise it may do so ten seconds later. */
export async function reported(client: pg.Client, sql: string): Promise<void> {
  await client.query(sql);
  await client.query('select pg_stat_force_next_flush()');
}

/** Commits what its session never reports. */
export async function hidden(bench: CaptureBench, sql: string): Promise<void> {
  const client = await bench.connect();
  await client.query('set track_counts = off');
  await client.query(sql);
}

export async function tableState(bench: CaptureBench, table: string) {
  const state = (await readCaptureState(bench.store))?.state;
  const known = state && knownOf(state, table);
  if (known === undefined) throw new Error(`the state has no ${table}`);
  return { ...known, captured: state?.captured };
}

/** The connections, whose sessions report at once what they have read. */
export const reportingReads = ({ withClient }: CaptureBench['database']): CaptureBench['database'] => ({
  withClient: (work) =>
    withClient(async (client) => {
      const result = await work(client);
      await client.query('select pg_stat_force_next_flush()');
      return result;
    }),
});

import { readPlanAttempts } from '../../../shared/records/plan/plan-attempts.ts';
import { readNewestPlans } from '../../../shared/records/plan/plan-records.ts';
import { currentViews } from '../../../shared/warehouse/current/current-view.ts';
import { describeTable, describeView } from '../../schema/describe-table.ts';
import type { Site } from '../../site/site.ts';
import type { ModelAnswer, SourceAnswer } from './api.ts';

/** What `starlift schema` shows. */
export function answerModel({
  model,
  warehouseSchema,
}: Pick<Site, 'model' | 'warehouseSchema'>): ModelAnswer {
  const views = currentViews(model, warehouseSchema);
  return {
    tables: model.tables.map((table) => {
      const view = views.find((each) => each.table === table.name);
      return {
        ...describeTable(table),
        kind: table.kind,
        view: view?.name ?? null,
        viewIs: view === undefined ? null : describeView(view),
      };
    }),
  };
}

const recentRuns = 1000;
const dayMs = 86_400_000;

/** What plans read from the source, by what they have recorded. */
export async function answerSource({ model, ingested }: Site, now: Date): Promise<SourceAnswer> {
  const [plans, attempts] = await Promise.all([
    readNewestPlans(ingested, now, recentRuns),
    readPlanAttempts(ingested),
  ]);
  const runs = (plans?.runs ?? []).toReversed();
  const locked = attempts?.succeeded?.locked ?? [];
  return {
    plannedAt: plans?.plannedAt.toISOString() ?? null,
    tables: model.sources.map(({ name, key, columns, joins, feeds }) => {
      const found = runs.filter(({ slices }) => slices.some(({ table }) => table === name));
      const failure = runs[0]?.failures.find(({ table }) => table === name);
      const lock = locked.find(({ table }) => table === name);
      const isFailing = plans?.failing.has(name) === true;
      return {
        name,
        key,
        columns: columns.length,
        joins: [...new Set(joins.map((join) => join.name))],
        feeds,
        plannedAt: (plans?.bases.get(name) ?? plans?.plannedAt)?.toISOString() ?? null,
        run: found[0]?.run ?? null,
        runsOfDay: found.filter(({ plannedAt }) => now.getTime() - Date.parse(plannedAt) < dayMs).length,
        problem: isFailing ? (failure?.reason ?? 'it cannot be extracted') : (lock?.lock ?? null),
      };
    }),
  };
}

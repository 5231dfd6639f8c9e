import type { StarSchema } from '../../shared/star-schema/assemble.ts';
import { isWhole } from './has-ledger.ts';
import { listFailures } from './list-failures.ts';
import { listQuarantine } from './quarantine.ts';
import type { OperatorTarget } from './target.ts';
import { listMissing, type WaitingSelection } from './waiting.ts';
import { type ExplainedWait, explainWaits } from './waiting-causes.ts';

/**
 * The dimension rows that facts wait for, each with why it is not there.
 *
 * @param failing tables that cannot be extracted, beside those of which a message has failed
 */
export async function readWaiting(
  target: OperatorTarget,
  model: StarSchema,
  selection: WaitingSelection,
  failing: Iterable<string> = [],
): Promise<ExplainedWait[]> {
  const warehouse = await target.warehouse();
  try {
    if (!(await isWhole(warehouse, model, target.warehouseSchema))) return [];
    const missing = await listMissing(warehouse, model, target.warehouseSchema, selection);
    if (missing.length === 0) return [];
    const failures = await listFailures(target);
    return explainWaits(target, model, missing, {
      quarantine: await listQuarantine(target, model, [
        ...new Set(missing.map(({ dimension }) => dimension)),
      ]),
      failedTables: new Set([...failing, ...failures.flatMap(({ table }) => table ?? [])]),
    });
  } finally {
    await warehouse.end();
  }
}

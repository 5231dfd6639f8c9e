import { describeGroup, type FailureGroup } from '../failures/list-failures.ts';
import { commandFor, type Site } from '../site/site.ts';
import { formatRows } from '../terminal/wording.ts';
import { describeWait, type ExplainedWait, groupWaits } from '../waiting/explain-waits.ts';
import { describeRefused, type RefusedRows } from '../waiting/refused-rows.ts';
import type { Trouble } from './status.ts';

export interface TroubleFacts {
  failures: readonly FailureGroup[];
  /** Warehouse tables that were there at the first run and are not now. */
  missingTables: readonly string[];
  /** Source tables that the last plan could not extract, with the reason. */
  failing: ReadonlyMap<string, string>;
  /** Rows in quarantine by warehouse table. */
  quarantined: ReadonlyMap<string, number>;
  waiting: readonly ExplainedWait[];
  refused: readonly RefusedRows[];
  /** Messages are on the queues. */
  isBusy: boolean;
}

/** Everything that needs attention, each with the command that fixes it: first what others depend on. */
export function listTroubles(facts: TroubleFacts, site: Pick<Site, 'selector'>): Trouble[] {
  const { failures, missingTables, failing, quarantined, isBusy } = facts;
  // Work under way may bring the row at any moment, so such a wait needs no attention yet.
  const waiting = facts.waiting.filter(({ cause }) => cause !== 'expected' || !isBusy);
  const known = new Set(failures.map(({ table, queue }) => `${queue} ${table}`));
  return [
    ...missingTables.map(
      (table): Trouble => ({
        kind: 'missing',
        table,
        text: `the warehouse no longer has the table ${table}`,
        command: commandFor(site, `replay --table ${table}`),
      }),
    ),
    ...failures.map(describeFailure),
    ...[...failing]
      .filter(([table]) => !known.has(`extract ${table}`))
      .map(
        ([table, reason]): Trouble => ({
          kind: 'cannot be extracted',
          table,
          text: `${table} cannot be extracted: ${reason}`,
          // Its message is on the queue again, or was taken off it: the next plan reads the source either way.
          command: commandFor(site, 'run'),
        }),
      ),
    ...[...quarantined].map(
      ([table, rows]): Trouble => ({
        kind: 'quarantined',
        table,
        text: `${formatRows(rows)} of ${table} broke the contract`,
        command: commandFor(site, `quarantine --table ${table}`),
      }),
    ),
    ...facts.refused.map(
      (refused): Trouble => ({
        kind: 'refused',
        table: refused.table,
        text: describeRefused(refused),
        command: refused.mend,
      }),
    ),
    ...groupWaits(waiting).map(
      (group): Trouble => ({
        kind: 'waiting',
        table: group.table,
        text: describeWait(group),
        command: group.mend,
      }),
    ),
  ];
}

const describeFailure = (group: FailureGroup): Trouble => ({
  kind: 'failed',
  table: group.table,
  text: describeGroup(group),
  command: group.mend,
});

import type { AsOf } from '../../shared/ledger/as-of.ts';
import type { Model, WarehouseTable } from '../../shared/model/model.ts';
import { type Evidence, ifAnswered } from './evidence/evidence.ts';
import { plannedAtOf } from './evidence/find-as-of.ts';
import type { TableStatus } from './status.ts';

export interface TableFacts {
  asOf: ReadonlyMap<string, AsOf>;
  /** Rows by table; undefined where they could not be counted. */
  inFlight: ReadonlyMap<string, number> | undefined;
}

/** One line for each table of the model, as far as the parts that answered know it. */
export function describeTables(
  evidence: Evidence,
  model: Model,
  { asOf, inFlight }: TableFacts,
): TableStatus[] {
  const { now } = evidence;
  const ledger = ifAnswered(evidence.ledger);
  const waits = ifAnswered(evidence.waits);
  const letters = ifAnswered(evidence.queues)?.letters ?? [];
  return model.tables.map((table) => {
    const source = table.kind === 'calendar' ? null : table.source.name;
    const { name } = table;
    const loaded = ledger?.tables.get(name);
    const at = asOf.get(name);
    const snapshotAt = loaded !== undefined && at?.isWhole === true ? at.instant : undefined;
    const fresh = snapshotAt && at?.fresh;
    return {
      table: name,
      source,
      objects: loaded?.objects ?? 0,
      rows: countRows(evidence, table),
      versions: loaded?.versions ?? 0,
      loadedAt: loaded?.loadedAt ?? null,
      run: loaded?.lastRun ?? null,
      snapshotAt: snapshotAt?.toISOString() ?? null,
      ageSeconds: snapshotAt === undefined ? null : secondsBetween(snapshotAt, now),
      freshAt: fresh?.instant.toISOString() ?? null,
      freshAgeSeconds: fresh === undefined ? null : secondsBetween(fresh.instant, now),
      freshBy: fresh?.column ?? null,
      lagSeconds: loaded === undefined ? null : secondsBetween(plannedAtOf(loaded.lastRun, evidence), now),
      inFlight: inFlight === undefined ? null : (inFlight.get(name) ?? 0),
      waiting: sum((waits?.counts ?? []).filter((each) => each.table === name).map(({ rows }) => rows)),
      quarantined: ifAnswered(evidence.quarantined)?.get(name) ?? 0,
      deadLetters: letters.filter(
        (letter) => letter.table !== undefined && [name, source].includes(letter.table),
      ).length,
    };
  });
}

/** By the ledger, unless the table was counted and holds something else. */
function countRows({ ledger, counts }: Evidence, { name, kind }: WarehouseTable): number | null {
  const counted = ifAnswered(counts);
  if (kind === 'calendar') return counted?.days ?? null;
  const count = counted?.tables.find(({ table }) => table === name);
  if (count?.state === 'missing') return null;
  return count?.holds ?? ifAnswered(ledger)?.tables.get(name)?.rows ?? (ledger.answered ? 0 : null);
}

const secondsBetween = (from: Date, to: Date): number =>
  Math.max(0, Math.round((to.getTime() - from.getTime()) / 1000));

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);

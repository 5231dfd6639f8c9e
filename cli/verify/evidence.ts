import type pg from 'pg';
import { readIdentity, sourceRestarts } from '../../services/ingestion/source/identity.ts';
import { isWithinReach, newRowsCondition } from '../../services/ingestion/source/new-rows.ts';
import type { Model } from '../../shared/model/model.ts';
import type { Site } from '../site/site.ts';
import {
  type CapturedTable,
  findCapturedTables,
  type Plans,
  readPlans,
  withMovedFarSides,
} from './captured-tables.ts';
import { withSavepoint } from './databases/savepoint.ts';
import type { IsLate } from './expected/source-rows.ts';
import { type QuarantinedKeys, readQuarantinedKeys } from './quarantined-keys.ts';

/** What explains that the warehouse lacks a row, or has it in another state. */
export interface Evidence {
  isLate: IsLate;
  isQuarantined: QuarantinedKeys['has'];
  /** Rows that wait are in tables of the pipeline's own. */
  hasWaiting: boolean;
  /** ISO 8601: what was committed by then in all of these source tables must be in the warehouse; null if unknown. */
  asOf(sourceTables: readonly string[]): string | null;
  /** Which of these source tables cannot be extracted, in words. */
  describeFailing(sourceTables: readonly string[]): string | undefined;
  /** Why nothing is known; absent where it is. */
  note?: string;
}

/** Reads the evidence in the order in which it holds: each part between two snapshots. */
export interface EvidenceReader {
  /** In the warehouse's snapshot, before the source's. */
  readLoaded(warehouse: pg.Client): Promise<void>;
  /** In the source's snapshot. */
  readSource(source: pg.Client): Promise<Evidence>;
}

/**
 * To be called before either snapshot. What cannot be read is no evidence: each row then counts as lost or different, and
 * the evidence has a note that says why.
 *
 * @param site undefined where nothing but the databases is known
 */
export async function beginEvidence(
  site: Site | undefined,
  model: Model,
  now: Date,
): Promise<EvidenceReader> {
  if (site === undefined)
    return { readLoaded: async () => {}, readSource: async () => nothingKnown(unknown) };
  let plans: Plans | undefined;
  let loaded: { captured: ReadonlyMap<string, CapturedTable>; quarantined: QuarantinedKeys } | undefined;
  let note = 'No run has captured this source yet.';
  const unless = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (error) {
      note = `What was captured cannot be read (${(error as Error).message}): rows that are late count as missing or different.`;
    }
  };
  await unless(async () => {
    plans = await readPlans(site, now);
  });
  return {
    readLoaded: (warehouse) =>
      unless(() =>
        withSavepoint([warehouse], async () => {
          if (plans === undefined) return;
          const captured = await findCapturedTables(plans, { site, warehouse, model });
          loaded = { captured, quarantined: await readQuarantinedKeys(site, model) };
        }),
      ),
    readSource: async (source) => {
      if (plans === undefined || loaded === undefined) return nothingKnown(note);
      if (!(await isCaptured(source, plans.state.identity))) return nothingKnown(restarted);
      const captured = await withMovedFarSides(source, loaded.captured, plans.state, model);
      return makeEvidence({ ...loaded, state: plans.state, captured, xmax: await readXmax(source) });
    },
  };
}

const unknown =
  'Rows that were written to the source after the last run count as missing until the next run.';
const restarted =
  'The source was restarted or replaced after the last run: rows written since count as missing or different until the next run.';

const nothingKnown = (note: string): Evidence => ({
  isLate: () => 'false',
  isQuarantined: () => false,
  hasWaiting: false,
  asOf: () => null,
  describeFailing: () => undefined,
  note,
});

/** Xids of another life of the source mean nothing. Which of the two a plan has used is a setting of the stage. */
export async function isCaptured(source: pg.Client, identity: string): Promise<boolean> {
  const statements = {
    host: source.host,
    query: <Row extends pg.QueryResultRow>(sql: string) => source.query<Row>(sql),
  };
  for (const restart of sourceRestarts) {
    const attempt = <T>(work: () => Promise<T>) => withSavepoint([source], work);
    if ((await readIdentity(statements, restart, attempt)) === identity) return true;
  }
  return false;
}

export async function readXmax(source: pg.Client): Promise<string> {
  const { rows } = await source.query<{ xmax: string }>(
    'select pg_snapshot_xmax(pg_current_snapshot())::text as xmax',
  );
  return rows[0]?.xmax ?? '0';
}

/**
 * Capture's own condition. If it called too little new, rows would be lost and not late; too much is captured.
 *
 * @param xmax of the source's snapshot
 */
export function makeIsLate(captured: ReadonlyMap<string, CapturedTable>, xmax: string): IsLate {
  return ({ root, aliases, unmatched }) => {
    const late = captured.get(root)?.late;
    if (late === undefined) return 'false';
    if (late === 'all' || !isWithinReach(late, xmax)) return 'true';
    return `coalesce(${newRowsCondition(late, aliases, unmatched)}, false)`;
  };
}

function makeEvidence({
  state: { tables },
  captured,
  quarantined,
  xmax,
}: {
  state: Plans['state'];
  captured: ReadonlyMap<string, CapturedTable>;
  quarantined: QuarantinedKeys;
  /** Of the source's snapshot. */
  xmax: string;
}): Evidence {
  return {
    isLate: makeIsLate(captured, xmax),
    isQuarantined: quarantined.has,
    hasWaiting: true,
    asOf: (sourceTables) =>
      sourceTables.flatMap((table) => captured.get(table)?.asOf ?? []).sort()[0] ?? null,
    describeFailing: (sourceTables) => {
      const reasons = sourceTables.flatMap((table) => {
        const known = tables[table];
        return known !== undefined && 'failed' in known
          ? [`${table} cannot be extracted: ${known.failed}`]
          : [];
      });
      return reasons.length === 0 ? undefined : reasons.join('; ');
    },
  };
}

import type { LookReason, TableLook } from '../../shared/records/plan/run-record.ts';
import { commandFor, type Site } from '../site/site.ts';
import { formatTime } from '../terminal/time.ts';

/** Whether a plan has looked at a source table, and why. */
export interface LookStatus {
  /** The source table. */
  source: string;
  isLookedAt: boolean;
  because: LookReason;
  /** Of a table that was left out: what was committed by then is captured, ISO 8601; null where it was looked at. */
  asOf: string | null;
  /** The column by whose index the plan has asked for the newest changes; null where it has not. */
  byIndex: string | null;
}

export const describeLooks = (looks: readonly TableLook[] = []): LookStatus[] =>
  looks.map(({ table, isLookedAt, because, asOf, byIndex }) => ({
    source: table,
    isLookedAt,
    because,
    asOf: asOf ?? null,
    byIndex: byIndex ?? null,
  }));

/** Why a plan leaves out a table that it could look at, as a clause. */
const reasonsToLeaveOut: Partial<Record<LookReason, string>> = {
  quiet: 'the source has counted no write',
  summarized: "the source's log was asked what was written",
  resting: 'the last look took long',
  'in flight': 'the last look is still under way',
};

/** Those that were left out although nothing is wrong with them. */
export const leftOutOf = (looks: readonly LookStatus[]): LookStatus[] =>
  looks.filter(({ because }) => because in reasonsToLeaveOut);

/** @example 'Looked at 9 of 11 tables; of 2 the source has counted no write.' */
export function countLooks(looks: readonly LookStatus[]): string {
  const looked = looks.filter(({ isLookedAt }) => isLookedAt).length;
  const why = Object.entries(reasonsToLeaveOut).flatMap(([reason, clause]) => {
    const count = looks.filter(({ because }) => because === reason).length;
    return count === 0 ? [] : [`; of ${count} ${clause}`];
  });
  return `Looked at ${looked} of ${looks.length} tables${why.join('')}.`;
}

const namedTables = 5;

/** The tables that a run has left out, as of when each is exact, and how to look at them all the same. */
export function formatLeftOut(looks: readonly LookStatus[], site: Pick<Site, 'selector'>): string[] {
  const lines = Object.entries(reasonsToLeaveOut).flatMap(([reason, clause]) => {
    const tables = looks.filter(({ because }) => because === reason);
    const names = tables
      .slice(0, namedTables)
      .map(({ source, asOf }) => `${source} (exact as of ${asOf === null ? 'never' : formatTime(asOf)})`);
    const more = tables.length > namedTables ? ` and ${tables.length - namedTables} more` : '';
    return tables.length === 0 ? [] : [`Not looked at, because ${clause}: ${names.join(', ')}${more}.`];
  });
  return lines.length === 0 ? [] : [...lines, `    to look all the same: ${commandFor(site, 'run --exact')}`];
}

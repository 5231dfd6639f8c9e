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
}

export const describeLooks = (looks: readonly TableLook[] = []): LookStatus[] =>
  looks.map(({ table, isLookedAt, because, asOf }) => ({
    source: table,
    isLookedAt,
    because,
    asOf: asOf ?? null,
  }));

/** Those that were left out because the source has counted no write. */
export const quietOf = (looks: readonly LookStatus[]): LookStatus[] =>
  looks.filter(({ because }) => because === 'quiet');

/** @example 'Looked at 9 of 11 tables; the source has counted no write to the others.' */
export function countLooks(looks: readonly LookStatus[]): string {
  const looked = looks.filter(({ isLookedAt }) => isLookedAt).length;
  const quiet = quietOf(looks).length;
  const others = quiet === looks.length - looked ? 'the others' : `${quiet} of the others`;
  const why = quiet === 0 ? '' : `; the source has counted no write to ${others}`;
  return `Looked at ${looked} of ${looks.length} tables${why}.`;
}

const namedTables = 5;

/** The tables that a run has left out, as of when each is exact, and how to look at them all the same. */
export function formatQuiet(looks: readonly LookStatus[], site: Pick<Site, 'selector'>): string[] {
  const quiet = quietOf(looks);
  if (quiet.length === 0) return [];
  const names = quiet
    .slice(0, namedTables)
    .map(({ source, asOf }) => `${source} (exact as of ${asOf === null ? 'never' : formatTime(asOf)})`);
  const more = quiet.length > namedTables ? ` and ${quiet.length - namedTables} more` : '';
  return [
    `Not looked at, because the source has counted no write: ${names.join(', ')}${more}.`,
    `    to look all the same: ${commandFor(site, 'run --exact')}`,
  ];
}

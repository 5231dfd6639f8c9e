import type { Trouble, TroubleKind } from '../../../status/troubles/trouble.ts';
import type { Snapshot } from '../../answers/api.ts';

/** What the first line of the page says, by the judgement of `starlift status`. */
export interface Judgement {
  level: 'well' | 'warn' | 'bad' | 'none';
  sentence: string;
}

/** These pass by themselves, or concern single rows; every other one is the whole pipeline's, or a loss. */
const mild: ReadonlySet<TroubleKind> = new Set([
  'not loaded',
  'late',
  'locked',
  'retrying',
  'held',
  'unmarked',
  'forgetting',
  'dropped',
  'quarantined',
  'waiting',
  'refused',
]);

export const levelOf = ({ kind }: Pick<Trouble, 'kind'>): 'warn' | 'bad' => (mild.has(kind) ? 'warn' : 'bad');

export function judge(snapshot: Snapshot | undefined): Judgement {
  if (snapshot === undefined) return { level: 'none', sentence: 'Looking.' };
  const { status } = snapshot;
  if (status === null) return { level: 'bad', sentence: 'The pipeline cannot be looked at.' };
  const { ok, troubles, isLoaded } = status;
  if (!ok) {
    const level = troubles.some((trouble) => levelOf(trouble) === 'bad') ? 'bad' : 'warn';
    const things = troubles.length === 1 ? '1 thing needs' : `${troubles.length} things need`;
    return { level, sentence: `${things} attention.` };
  }
  if (!isLoaded) return { level: 'none', sentence: 'Nothing has been loaded yet.' };
  return { level: 'well', sentence: 'Nothing needs attention.' };
}

/** A table's own level: by what needs attention, else by how old it is. */
export function levelOfTable(
  table: {
    table: string;
    source: string | null;
    ageSeconds: number | null;
    freshAgeSeconds: number | null;
    snapshotAt: string | null;
  },
  { troubles, maxLagSeconds }: { troubles: readonly Trouble[]; maxLagSeconds: number | null },
): 'well' | 'warn' | 'bad' | 'none' {
  const own = troubles.filter((trouble) => trouble.table === table.table || trouble.table === table.source);
  if (own.some((trouble) => trouble.table !== null && levelOf(trouble) === 'bad')) return 'bad';
  if (own.some((trouble) => trouble.table !== null)) return 'warn';
  if (table.snapshotAt === null) return 'none';
  const ageSeconds = table.freshAgeSeconds ?? table.ageSeconds;
  const isLate = maxLagSeconds !== null && ageSeconds !== null && ageSeconds > maxLagSeconds;
  return isLate ? 'warn' : 'well';
}

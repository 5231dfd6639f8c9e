import type { TableCount } from '../../../shared/ledger/table-counts.ts';
import type { Model } from '../../../shared/model/model.ts';
import { commandFor, type Site } from '../../site/site.ts';
import { formatTime } from '../../terminal/time.ts';
import { formatCount, formatRows } from '../../terminal/wording.ts';
import { type Evidence, ifAnswered, isBusy } from '../evidence/evidence.ts';
import type { Trouble } from './trouble.ts';
import { describeViewFaults } from './view-troubles.ts';

interface Context {
  site: Pick<Site, 'selector'>;
  model: Model;
}

/** A warehouse that is not what was loaded: it has gone back, or a table was changed by somebody else. */
export function findChangedTables(evidence: Evidence, { site }: Context): Trouble[] {
  const counts = ifAnswered(evidence.counts)?.tables ?? [];
  const isOver = !isBusy(evidence);
  return [
    ...findGap(evidence, site),
    ...describeTables(counts, 'missing', site),
    ...describeTables(counts, 'different', site),
    ...(isOver ? describeTables(counts, 'rebuilding', site) : []),
    ...findViewTroubles(evidence, site),
  ];
}

function findGap({ ledger, gap: answer, objects }: Evidence, site: Pick<Site, 'selector'>): Trouble[] {
  if (!ledger.answered) return [];
  const command = commandFor(site, 'run');
  if (ledger.value === undefined) {
    const entries = ifAnswered(objects)?.loaded?.entries ?? 0;
    if (entries === 0) return [];
    const objectsWere = entries === 1 ? '1 object was' : `${formatCount(entries)} objects were`;
    const text = `the warehouse has lost its ledger (restored?): ${objectsWere} loaded into it`;
    return [{ kind: 'went back', table: null, text, command }];
  }
  const gap = ifAnswered(answer);
  if (gap === undefined) return [];
  const back = gap.wentBackTo === null ? 'to nothing' : `to ${formatTime(gap.wentBackTo)}`;
  const are = gap.missing === 1 ? 'object is' : 'objects are';
  const text = `the warehouse has gone back ${back} (restored?): ${formatCount(gap.missing)} ${are} missing`;
  return [{ kind: 'went back', table: null, text, command }];
}

const findViewTroubles = ({ counts }: Evidence, site: Pick<Site, 'selector'>): Trouble[] =>
  describeViewFaults(ifAnswered(counts)?.views ?? []).map(({ table, text }) => ({
    kind: 'view',
    table,
    text,
    command: commandFor(site, 'run'),
  }));

/** One trouble for all tables of a kind: a TRUNCATE CASCADE empties several, and one command rebuilds them. */
function describeTables(
  counts: readonly TableCount[],
  state: 'missing' | 'different' | 'rebuilding',
  site: Pick<Site, 'selector'>,
): Trouble[] {
  const found = counts.filter((count) => count.state === state);
  const [first] = found;
  if (first === undefined) return [];
  const names = found.map(({ table }) => table);
  const kinds = { missing: 'missing', different: 'emptied', rebuilding: 'rebuilding' } as const;
  return [
    {
      kind: kinds[state],
      table: found.length === 1 ? first.table : null,
      text: found.map(describeCount).join('; '),
      command: commandFor(site, state === 'rebuilding' ? 'run' : `rebuild ${names.join(' ')}`),
    },
  ];
}

function describeCount({ table, state, loaded, holds, unloaded }: TableCount): string {
  const were = `${formatRows(loaded)} ${loaded === 1 ? 'was' : 'were'} loaded`;
  if (state === 'missing') return `the warehouse no longer has ${table}: ${were} into it`;
  if (state === 'rebuilding') {
    const objects = unloaded === 1 ? '1 object is' : `${formatCount(unloaded)} objects are`;
    return `${table} is being rebuilt, and ${objects} still to be loaded`;
  }
  const verb = (holds ?? 0) < loaded ? 'was emptied or replaced' : 'was changed by somebody else';
  return `${table} ${verb}: ${were}, it holds ${formatCount(holds ?? 0)}`;
}

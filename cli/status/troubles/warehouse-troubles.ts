import type { Model } from '../../../shared/model/model.ts';
import { commandFor, type Site } from '../../site/site.ts';
import { formatTime } from '../../terminal/time.ts';
import { formatCount } from '../../terminal/wording.ts';
import { type Evidence, ifAnswered, isBusy } from '../evidence/evidence.ts';
import { describeChangedTables } from './changed-tables.ts';
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
    ...describeChangedTables(counts, 'missing', site),
    ...describeChangedTables(counts, 'forbidden', site),
    ...describeChangedTables(counts, 'different', site),
    ...(isOver ? describeChangedTables(counts, 'rebuilding', site) : []),
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

import type { Model } from '../../../shared/model/model.ts';
import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import { deletedByColumn } from '../../../shared/warehouse/warehouse-schema.ts';
import { deletedWord, isLookedFor } from '../../deletes/mode.ts';
import { commandFor, type Site } from '../../site/site.ts';
import { formatTime } from '../../terminal/time.ts';
import { type Evidence, ifAnswered } from '../evidence/evidence.ts';
import type { KnownLooks } from '../evidence/read-plan.ts';
import type { KnownCensus } from '../evidence/read-warehouse.ts';
import type { Trouble } from './trouble.ts';

/** Sweeps send every quarter of an hour what is due. */
const dueWithinMs = 20 * 60_000;

/** What keeps deleted rows from being marked. */
export function findCensuses(
  { ledger, objects, now }: Evidence,
  { site, model }: { site: Pick<Site, 'selector' | 'warehouseSchema'>; model: Pick<Model, 'tables'> },
): Trouble[] {
  const looks = ifAnswered(objects)?.looks;
  return (ifAnswered(ledger)?.censuses ?? []).flatMap((census): Trouble[] => {
    const { table, state, reason, at } = census;
    if (!isLookedFor(model, table)) return [];
    const word = deletedWord(model, table);
    if (state === 'held') {
      const why = reason ?? 'too many keys are gone';
      const text = `the census of ${table} is held since ${formatTime(at)}: ${why} from the source, and no row is ${word}`;
      return [{ kind: 'held', table, text, command: commandFor(site, `deletes --table ${table}`) }];
    }
    if (state === 'unmarked') {
      const text = `deleted rows of ${table} are not marked, because the table has no column for it, and only its owner can add it`;
      return [{ kind: 'unmarked', table, text, command: addColumn(site.warehouseSchema, table) }];
    }
    if (looks !== undefined && isForgotten(census, looks, model)) {
      const text = `deleted rows of ${table} were not looked for since the capture state was made anew: rows that came back may still be ${word}`;
      return [{ kind: 'unmarked', table, text, command: commandFor(site, 'run') }];
    }
    if (state !== 'due' || now.getTime() - Date.parse(at) < dueWithinMs) return [];
    const text = `rows of ${table} came in late, and the last census was not applied to them yet`;
    return [{ kind: 'unmarked', table, text, command: commandFor(site, 'run') }];
  });
}

/**
 * Whether plans know of no look that the ledger has, and it has none of theirs yet. The capture state was deleted, or an older
 * release has made it anew: that one loads a row that came back and leaves its mark, until the first look after it.
 *
 * What this release makes anew, as after a failover, keeps the looks.
 */
function isForgotten(
  { table, run, generation }: KnownCensus,
  looks: KnownLooks,
  model: Pick<Model, 'tables'>,
): boolean {
  if (run === undefined || generation === undefined) return false;
  if (BigInt(generation) >= BigInt(looks.generation)) return false;
  const found = model.tables.find(({ name }) => name === table);
  if (found === undefined || found.kind === 'calendar') return false;
  const last = looks.lastRuns.get(found.source.name);
  return last === undefined || last > run;
}

const addColumn = (schema: string, table: string): string =>
  `as its owner: alter table ${quoteQualified(schema, table)} add column if not exists ${quoteIdentifier(deletedByColumn)} bigint`;

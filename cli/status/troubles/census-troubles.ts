import type { Model } from '../../../shared/model/model.ts';
import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import { deletedByColumn } from '../../../shared/warehouse/warehouse-schema.ts';
import { deletedWord, isLookedFor } from '../../deletes/mode.ts';
import { commandFor, type Site } from '../../site/site.ts';
import { formatTime } from '../../terminal/time.ts';
import { type Evidence, ifAnswered } from '../evidence/evidence.ts';
import type { Trouble } from './trouble.ts';

/** Sweeps send every quarter of an hour what is due. */
const dueWithinMs = 20 * 60_000;

/** What keeps deleted rows from being marked. */
export function findCensuses(
  { ledger, now }: Evidence,
  { site, model }: { site: Pick<Site, 'selector' | 'warehouseSchema'>; model: Pick<Model, 'tables'> },
): Trouble[] {
  return (ifAnswered(ledger)?.censuses ?? []).flatMap(({ table, state, reason, at }): Trouble[] => {
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
    if (state !== 'due' || now.getTime() - Date.parse(at) < dueWithinMs) return [];
    const text = `rows of ${table} came in late, and the last census was not applied to them yet`;
    return [{ kind: 'unmarked', table, text, command: commandFor(site, 'run') }];
  });
}

const addColumn = (schema: string, table: string): string =>
  `as its owner: alter table ${quoteQualified(schema, table)} add column if not exists ${quoteIdentifier(deletedByColumn)} bigint`;

import type { NewRows } from '../../../shared/queue/extract-message.ts';

/**
 * The condition under which a row is new: an xid from `since` on wrote it, or one that was in progress then.
 * In a join, when the row of any of the aliases is: a left join that finds nothing has no xmin and adds nothing.
 *
 * xmin holds the lower 32 bits of an xid, and age() is how far it lies behind the next xid, modulo 2^32:
 * - `>= 0`: rows frozen before a wrap of the counter keep their xmin and may have a negative age; without it they
 *   would come again at every plan.
 * - age() overflows silently 2^31 behind; isWithinReach (new-rows-reach.ts) must have been asked before.
 * - age() keeps the next xid of its first call for the rest of the transaction: in a read committed transaction
 *   of several statements, later rows would have a negative age and be lost. It must not be called before the
 *   snapshot that reads the rows.
 *
 * Of an old row only the first comparison is made, with the one number that the inner select gives to the whole
 * statement: a scan with it takes a fifth longer than count(*), and took four fifths with all of it for every row.
 *
 * age() also keeps the planner from parallel scans. The same arithmetic on xmin::text::int8 would allow them, at
 * several times the cost for each row; slices are too small for parallel scans anyway.
 */
export function newRowsCondition(newRows: NewRows, aliases: readonly string[]): string {
  const since = `'${toXid(newRows.since)}'::xid`;
  const conditions = aliases.map((alias) => {
    const age = `age(${alias}.xmin)`;
    return `${age} <= (select age(${since})) and ${age} >= 0`;
  });
  if (newRows.inProgress.length > 0) {
    const inProgress = `'{${newRows.inProgress.map(toXid).join(',')}}'::xid[]`;
    conditions.push(...aliases.map((alias) => `${alias}.xmin = any(${inProgress})`));
  }
  return `(${conditions.join(' or ')})`;
}

/** An xid as a row's header holds it. */
const toXid = (xid8: string): string => String(BigInt(xid8) % 2n ** 32n);

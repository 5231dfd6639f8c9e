import { TerminalError } from '../../shared/errors.ts';
import type { LoadTarget } from './load-target.ts';

/** The values of a key's columns, as Postgres writes them. */
export type KeyValues = string[];

/** What a statement selects to have the KeyValues of its row; a long text's beginning will do to find it by. */
export const selectKey = (key: readonly string[], alias?: string): string => {
  const of = alias === undefined ? '' : `${alias}.`;
  return `array[${key.map((column) => `left(${of}${column}::text, 200)`).join(', ')}] as key`;
};

/** Two rows of one object were read in one snapshot: one key with different values means that it is no key. */
export const makeDoubledKeyError = ({ table, key }: LoadTarget, values: KeyValues): TerminalError =>
  new TerminalError(
    `the object has two rows of one key of ${table} with different values: ` +
      `(${key.join(', ')}) = (${values.join(', ')}). Correct the rows in the source, where the key is to be unique`,
  );

import { UsageError } from '../terminal/usage-error.ts';
import { type OptionValues, textOption } from './site-options.ts';

/**
 * Reads --limit.
 *
 * @throws {UsageError} it is not a whole number above 0
 */
export function parseLimit(values: OptionValues, otherwise: number): number {
  const text = textOption(values.limit);
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new UsageError(`--limit ${text} is not a whole number above 0`);
  return Number(text);
}

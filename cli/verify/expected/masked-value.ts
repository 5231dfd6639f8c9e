import { createHash } from 'node:crypto';
import type pg from 'pg';
import type { Model } from '../../../shared/model/model.ts';
import { UsageError } from '../../terminal/usage-error.ts';

/** The environment's key for masked columns. */
export const maskKeyVariable = 'STARLIFT_MASK_KEY';

/**
 * Hands the key for masked columns to the source, for its transaction.
 *
 * @throws {UsageError} the model masks columns, and there is no key
 */
export async function useMaskKey(
  source: pg.Client,
  { sources }: Pick<Model, 'sources'>,
  key: string | undefined,
): Promise<void> {
  const isMasked = sources.some(({ fields }) => fields.some(({ type }) => type === 'masked'));
  if (!isMasked) return;
  if (key === undefined) {
    throw new UsageError(
      `the model masks columns, and comparing them needs their key: set ${maskKeyVariable} to the maskKey of the source's secret`,
    );
  }
  for (const [name, value] of [
    ['starlift_verify.first', keyBlock(key, 0x36)],
    ['starlift_verify.second', keyBlock(key, 0x5c)],
  ])
    await source.query('select set_config($1, $2, true)', [name, value]);
}

/** As HMAC has it: the key, or its hash where it is longer than a block, filled up with zeros, each byte xor the pad's. */
function keyBlock(key: string, pad: number): string {
  let bytes = Buffer.from(key);
  if (bytes.length > 64) bytes = createHash('sha256').update(bytes).digest();
  let text = '';
  for (let index = 0; index < 64; index++) {
    text += ((bytes[index] ?? 0) ^ pad).toString(16).padStart(2, '0');
  }
  return `\\x${text}`;
}

/** SQL for what the warehouse has in place of a value. */
export const maskedValue = (sql: string): string =>
  `right(sha256(current_setting('starlift_verify.second')::bytea || sha256(current_setting('starlift_verify.first')::bytea || convert_to(${sql}::text, 'UTF8')))::text, 64)`;

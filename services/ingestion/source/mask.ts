import { createHash, createHmac } from 'node:crypto';
import type pg from 'pg';
import { RefusedError } from '../../../shared/errors.ts';
import type { Model, SourceTable } from '../../../shared/model/model.ts';
import type { SecretFetcher } from '../../../shared/postgres/database.ts';

/** A key for masked columns, in the form that SQL needs. */
export interface Mask {
  /** Tells one key from another, and says nothing of it. */
  id: string;
  /** The blocks of RFC 2104 that the two hashes begin with, hexadecimal. */
  inner: string;
  outer: string;
}

const blockBytes = 64;

export function makeMask(key: string): Mask {
  const bytes = Buffer.from(key, 'utf8');
  const block = Buffer.alloc(blockBytes);
  (bytes.length > blockBytes ? createHash('sha256').update(bytes).digest() : bytes).copy(block);
  const filled = (byte: number) => Buffer.from(block.map((each) => each ^ byte)).toString('hex');
  return {
    id: createHmac('sha256', bytes).update('starlift mask key').digest('hex').slice(0, 16),
    inner: filled(0x36),
    outer: filled(0x5c),
  };
}

export const hasMasked = ({ fields }: Pick<SourceTable, 'fields'>): boolean =>
  fields.some(({ type }) => type === 'masked');

/**
 * Finds the key for the masked columns of a model.
 *
 * @param wantedId of the key that the last plan has used; undefined where there was none
 * @returns undefined where nothing is masked
 * @throws {RefusedError} the source's secret has no key, or another one
 */
export async function findMask(
  { sources }: Pick<Model, 'sources'>,
  readSecret: SecretFetcher,
  wantedId?: string,
): Promise<Mask | undefined> {
  const masked = sources.flatMap(({ name, fields }) =>
    fields.flatMap((field) => (field.type === 'masked' ? [`${name}.${field.name}`] : [])),
  );
  const [first] = masked;
  if (first === undefined) return undefined;
  const read = async (fresh: boolean): Promise<Mask | undefined> => {
    const { maskKey } = await readSecret({ fresh });
    return maskKey === undefined ? undefined : makeMask(maskKey);
  };
  const isWanted = (mask: Mask | undefined) =>
    mask !== undefined && (wantedId === undefined || mask.id === wantedId);
  const known = await read(false);
  const mask = isWanted(known) ? known : await read(true);
  if (mask === undefined) {
    throw new RefusedError(
      `${first} is masked, and the source's secret has no maskKey (on one machine: STARLIFT_MASK_KEY)`,
      { by: 'AWS' },
    );
  }
  if (isWanted(mask)) return mask;
  throw new RefusedError(
    "the source's secret has another maskKey than the last plan has used: the next plan reads everything anew",
    { by: 'AWS' },
  );
}

const settings = { inner: 'starlift.mask_inner', outer: 'starlift.mask_outer' };

/** Hands the key to the server for this transaction, apart from any statement's text, which others may read. */
export async function setMask(client: pg.ClientBase, { inner, outer }: Mask): Promise<void> {
  await client.query('select set_config($1, $2, true), set_config($3, $4, true)', [
    settings.inner,
    inner,
    settings.outer,
    outer,
  ]);
}

/** HMAC-SHA256 of a value's text in UTF-8, hexadecimal; null of null. Clear text never leaves the server. */
export function maskedSql(value: string): string {
  const pad = (name: string) => `decode(current_setting('${name}'), 'hex')`;
  const text = `convert_to((${value})::text, 'UTF8')`;
  return `encode(sha256(${pad(settings.outer)} || sha256(${pad(settings.inner)} || ${text})), 'hex')`;
}

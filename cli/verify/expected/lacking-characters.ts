import type pg from 'pg';
import { withSavepoint } from '../databases/savepoint.ts';

/** SQL without the characters that the encoding of a server lacks. */
export interface SendableSql {
  sql: string;
  /** Puts them back into a text that the server gives; absent where it lacks none. */
  restore?: (text: string) => string;
}

/**
 * Replaces what the encoding of a server lacks: a statement with such a character fails as a whole. Of the server's own
 * data none can have it. Within an open transaction.
 */
export async function replaceLacking(client: pg.Client, sql: string): Promise<SendableSql> {
  const characters = new Set(sql.match(/[^\0-\x7f]/gu) ?? []);
  if (characters.size === 0) return { sql };
  const { rows } = await client.query<{ server_encoding: string }>('show server_encoding');
  const encoding = rows[0]?.server_encoding ?? 'UTF8';
  if (encoding === 'UTF8' || encoding === 'SQL_ASCII') return { sql };
  const lacking = new Set<string>();
  for (const character of characters) {
    if (!(await hasCharacter(client, character, encoding))) lacking.add(character);
  }
  if (lacking.size === 0) return { sql };
  const replaced = [...sql].map((character) => (lacking.has(character) ? formatToken(character) : character));
  return { sql: replaced.join(''), restore: (text) => text.replace(token, readToken) };
}

// 22P05 untranslatable_character
const untranslatable = '22P05';

async function hasCharacter(client: pg.Client, character: string, encoding: string): Promise<boolean> {
  try {
    await withSavepoint([client], () =>
      client.query(`select convert($1::bytea, 'UTF8', $2)`, [Buffer.from(character), encoding]),
    );
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === untranslatable) return false;
    throw error;
  }
}

const token = /\{starlift U\+([0-9A-F]+)\}/g;

const formatToken = (character: string): string =>
  `{starlift U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`;

const readToken = (_: string, digits: string): string => String.fromCodePoint(Number.parseInt(digits, 16));

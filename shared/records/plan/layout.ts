import { createHash } from 'node:crypto';
import { LostObjectError } from '../../errors.ts';
import { formatLayoutKey } from '../../object-store/object-key.ts';
import type { ObjectStore } from '../../object-store/object-store.ts';
import { isJsonObject, parseJsonRecord } from '../json-record.ts';

/**
 * Which columns of the source the fields of an ingested object's lines are. A name alone does not tell: a column may be
 * renamed, and another one may get the name of one that was dropped.
 */
export interface Layout {
  /** The server and the database. In another one, oids and the numbers of columns say nothing. */
  database: string;
  /** The table itself first, then those joined to it. */
  relations: readonly LayoutRelation[];
  /** In the order of the lines. */
  fields: readonly LayoutField[];
}

export interface LayoutRelation {
  /** Of the join; absent for the table itself. */
  path?: string;
  /** The table itself, then each table that the path leads to, by the model's names. The last one has the fields. */
  tables: readonly string[];
  /** The same by pg_class.oid. */
  oids: readonly string[];
  /** For each join on the way, the numbers of the columns that are equal: the nearer table's, and the other's. */
  matches: readonly (readonly [number, number][])[];
}

export interface LayoutField {
  /** In the lines. */
  name: string;
  /** Of its relation. */
  path?: string;
  /** pg_attribute.attnum, which no other column of the table ever gets. */
  column: number;
  /** Tells which key the values are masked by; absent for clear ones. */
  mask?: string;
}

/** The content of `state/layouts/<hash>.json`, and the hash. */
export interface FormattedLayout {
  hash: string;
  body: Uint8Array;
}

export function formatLayout({ database, relations, fields }: Layout): FormattedLayout {
  const body = Buffer.from(JSON.stringify({ version: 1, database, relations, fields }));
  return { hash: createHash('sha256').update(body).digest('hex'), body };
}

/** Puts a layout unless it is there, and returns its hash. */
export type PutLayout = (layout: Layout) => Promise<string>;

/** Makes a writer for a process that lives long: it puts each layout once. */
export function makePutLayout(ingested: Pick<ObjectStore, 'create'>): PutLayout {
  const isPut = new Set<string>();
  return async (layout) => {
    const { hash, body } = formatLayout(layout);
    if (isPut.has(hash)) return hash;
    await ingested.create(formatLayoutKey(hash), body);
    isPut.add(hash);
    return hash;
  };
}

/** @throws {LostObjectError} of the reader: S3 has lost the layout */
export type ReadLayout = (hash: string) => Promise<Layout>;

/** Makes a reader for a process that lives long: a layout never changes. */
export function makeReadLayout(ingested: Pick<ObjectStore, 'get'>): ReadLayout {
  const known = new Map<string, Layout>();
  return async (hash) => {
    const layout = known.get(hash) ?? (await readLayout(ingested, hash));
    known.set(hash, layout);
    return layout;
  };
}

async function readLayout(ingested: Pick<ObjectStore, 'get'>, hash: string): Promise<Layout> {
  const key = formatLayoutKey(hash);
  const lost = (reason: string, cause?: unknown) =>
    new LostObjectError(`${key} says which columns the fields of objects are, and ${reason}`, { key, cause });
  const stored = await ingested.get(key);
  if (stored === undefined) throw lost('it is not there');
  const value = parseJsonRecord(stored.body, lost);
  if (!isLayout(value)) throw lost('it is not what Starlift writes');
  return value;
}

const isLayout = (value: Record<string, unknown>): value is Record<string, unknown> & Layout =>
  value.version === 1 &&
  typeof value.database === 'string' &&
  Array.isArray(value.relations) &&
  value.relations.every(isRelation) &&
  Array.isArray(value.fields) &&
  value.fields.every(isField);

const isRelation = (value: unknown): boolean =>
  isJsonObject(value) && [value.tables, value.oids, value.matches].every(Array.isArray);

const isField = (value: unknown): boolean =>
  isJsonObject(value) && typeof value.name === 'string' && typeof value.column === 'number';

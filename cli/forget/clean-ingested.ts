import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import { readLineFields } from '../../services/transformation/transform/read-line-fields.ts';
import { TerminalError } from '../../shared/errors.ts';
import {
  formatCensusFolder,
  formatTableFolder,
  parseKnownKey,
} from '../../shared/object-store/object-key.ts';
import type { ObjectVersion } from '../../shared/object-store/object-metadata.ts';
import type { ObjectStore, StoredObject } from '../../shared/object-store/object-store.ts';
import { makeReadLayout, type ReadLayout } from '../../shared/records/plan/layout.ts';
import { isUpTo, makeIsWanted, type RowsToForget } from './forgotten-row.ts';
import {
  type Cleaned,
  type CleanedObject,
  type CleanedZone,
  type CleaningContext,
  cleanObjects,
  versionOf,
} from './found-objects.ts';

/** Takes the lines out of the ingested zone's objects, and out of its censuses. */
export async function cleanIngested(
  zone: CleanedZone,
  rows: RowsToForget,
  context: CleaningContext,
): Promise<Cleaned> {
  const ingested = zone.store;
  const readLayout = makeReadLayout(ingested);
  const { source, isInCensus } = rows;
  const folders = [formatTableFolder(source.name), ...(isInCensus ? [formatCensusFolder(source.name)] : [])];
  return cleanObjects(zone, folders, context, (key, object) =>
    cleanLines(key, object, rows, { ingested, readLayout }),
  );
}

const lineEnd = 0x0a;
const chunkSize = 64 * 2 ** 20;

interface LineDeps {
  ingested: ObjectStore;
  readLayout: ReadLayout;
}

/** Where a wanted line stands: its end is that of its newline. */
interface FoundLine {
  start: number;
  end: number;
}

interface SearchedText {
  text: Buffer;
  lines: number;
  found: FoundLine[];
}

async function cleanLines(
  key: string,
  object: Pick<StoredObject, 'body' | 'metadata'>,
  rows: Pick<RowsToForget, 'source' | 'fields'>,
  deps: LineDeps,
): Promise<CleanedObject | undefined> {
  const { text, lines, found } = await searchLines(key, object, rows, deps);
  if (found.length === 0) return undefined;
  const kept: Buffer[] = [];
  let keptFrom = 0;
  for (const { start, end } of found) {
    kept.push(text.subarray(keptFrom, start));
    keptFrom = end;
  }
  kept.push(text.subarray(keptFrom));
  const body = await promisify(zstdCompress)(Buffer.concat(kept), {
    params: { [constants.ZSTD_c_compressionLevel]: 1 },
  });
  const metadata = { ...object.metadata, rows: String(lines - found.length) };
  return { body, metadata, removed: found.length };
}

async function searchLines(
  key: string,
  { body, metadata }: Pick<StoredObject, 'body' | 'metadata'>,
  { source, fields }: Pick<RowsToForget, 'source' | 'fields'>,
  deps: LineDeps,
): Promise<SearchedText> {
  const text = await promisify(zstdDecompress)(body, { chunkSize });
  const isCensus = key.startsWith(formatCensusFolder(source.name));
  const renamed = isCensus
    ? undefined
    : await readLineFields(source, { layout: metadata.layout, isOlder: true }, deps);
  const names = fields.map(({ field }) => {
    if (renamed === undefined) return field;
    // Also of a field that lines have in clear text, and that is masked since: its texts cannot be compared.
    return renamed.names.get(field) ?? fail(cannotTell(key, field));
  });
  const isWanted = makeIsWanted(fields);
  const tokens = names.map(tokenOf);
  const searched: SearchedText = { text, lines: 0, found: [] };
  for (let start = 0; start < text.length; ) {
    const at = text.indexOf(lineEnd, start);
    const line = { start, end: at < 0 ? text.length : at + 1 };
    const texts = tokens.map((token) => readValue(text, token, line));
    const lacking = names.find((_, index) => texts[index] === undefined);
    if (lacking !== undefined) throw cannotTell(key, lacking);
    searched.lines++;
    if (isWanted(texts.map((each) => each ?? undefined))) searched.found.push(line);
    start = line.end;
  }
  return searched;
}

const tokenOf = (name: string): Buffer => Buffer.from(`${JSON.stringify(name)}:`);

/**
 * Finds the rows of a table whose lines have these values.
 *
 * @returns their keys as the command line takes them, no more than a few
 */
export async function findKeysOfLines(
  ingested: ObjectStore,
  rows: Pick<RowsToForget, 'source' | 'fields'>,
  version: ObjectVersion,
): Promise<string[]> {
  const deps = { ingested, readLayout: makeReadLayout(ingested) };
  const keys = new Set<string>();
  const { source } = rows;
  const tokens = source.key.map(tokenOf);
  for await (const { key } of ingested.list(formatTableFolder(source.name))) {
    const object = parseKnownKey(key) && (await ingested.get(key));
    if (object === undefined || !isUpTo(versionOf(key, object), version)) continue;
    const { text, found } = await searchLines(key, object, rows, deps);
    for (const line of found) keys.add(tokens.map((token) => readValue(text, token, line) ?? '?').join(','));
    if (keys.size >= shownKeys) break;
  }
  return [...keys].slice(0, shownKeys);
}

const shownKeys = 5;

function fail(error: Error): never {
  throw error;
}

const cannotTell = (key: string, field: string): TerminalError =>
  new TerminalError(
    `${key} has a line without ${field}, and nothing says what its lines call it: whether it has the row cannot be told. Delete the object, and read its table anew by a resync`,
    { key },
  );

/**
 * Without a parser: within a string no quote stands bare, so a field's name in quotes and a colon is that field.
 *
 * @returns null of a null; undefined where the line does not have the field
 */
function readValue(
  text: Buffer,
  token: Buffer,
  { start, end }: { start: number; end: number },
): string | null | undefined {
  const at = text.subarray(start, end).indexOf(token);
  if (at < 0) return undefined;
  const from = start + at + token.length;
  if (text[from] !== quote) {
    let to = from;
    while (to < end && text[to] !== comma && text[to] !== brace) to++;
    const value = text.toString('utf8', from, to);
    return value === 'null' ? null : value;
  }
  let to = from + 1;
  while (to < end && text[to] !== quote) to += text[to] === backslash ? 2 : 1;
  return JSON.parse(text.toString('utf8', from, to + 1)) as string;
}

const quote = 0x22;
const comma = 0x2c;
const brace = 0x7d;
const backslash = 0x5c;

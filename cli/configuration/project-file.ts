import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { didYouMean } from '../help/suggest.ts';
import { UsageError } from '../terminal/usage-error.ts';
import { durationPattern, parseDuration } from './duration.ts';

/** A text that may name environment variables, `${SOURCE_URL}`. */
const text = z.string('is no text').min(1, 'is empty');

const schema = z.strictObject({
  source: z.strictObject({ url: text.optional() }).optional(),
  warehouse: z
    .strictObject({
      url: text.optional(),
      schema: z.string('is no text').min(1, 'is empty').optional(),
    })
    .optional(),
  data: text.optional(),
  freshness: z
    .string('is no duration: use a number with s, m, h or d, such as 15m')
    .regex(durationPattern, 'is no duration: use a number with s, m, h or d, such as 15m')
    .optional(),
});

type Contents = z.infer<typeof schema>;
type Variables = Readonly<Record<string, string | undefined>>;

/** What starlift.yml says. A value is completed from the environment when it is asked for, and not before. */
export interface ProjectFile {
  sourceUrl(): string | undefined;
  warehouseUrl(): string | undefined;
  schema: string | undefined;
  /** An absolute path: the file's are relative to its own folder. */
  data(): string | undefined;
  /** How old the warehouse may become. */
  freshnessSeconds: number | undefined;
}

/**
 * Reads starlift.yml.
 *
 * @throws {UsageError} it is no YAML, has a key that there is not, or a value that cannot be: with the line
 */
export function readProjectFile(path: string, environment: Variables): ProjectFile {
  const lines = new LineCounter();
  const document = parseDocument(readFileSync(path, 'utf8'), { lineCounter: lines });
  const at = (line: number, message: string) => new UsageError(`${path} line ${line}: ${message}`);
  const [broken] = document.errors;
  if (broken !== undefined) {
    // What follows the first line shows the place, and so the content, which may be a password.
    const [message = ''] = broken.message.split('\n');
    throw at(lines.linePos(broken.pos[0]).line, message.replace(/ at line \d+.*$/, ''));
  }
  const parsed = schema.safeParse(document.toJS() ?? {});
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const { keys, message, where } = describeIssue(issue);
    throw at(lineOf(document, lines, [...where, ...keys.slice(0, 1)]), message);
  }
  const contents: Contents = parsed.data;
  const expand = (value: string | undefined, ...keys: string[]): string | undefined =>
    value?.replaceAll(/\$\{([^}]*)\}/g, (_, name: string) => {
      const found = environment[name];
      if (found !== undefined && found !== '') return found;
      const line = lineOf(document, lines, keys);
      throw at(line, `${keys.join('.')} needs the environment variable ${name}, which is not set`);
    });
  const { source, warehouse, freshness } = contents;
  return {
    sourceUrl: () => expand(source?.url, 'source', 'url'),
    warehouseUrl: () => expand(warehouse?.url, 'warehouse', 'url'),
    schema: warehouse?.schema,
    data: () => {
      const data = expand(contents.data, 'data');
      return data === undefined ? undefined : resolve(dirname(path), data);
    },
    freshnessSeconds: freshness === undefined ? undefined : parseDuration(freshness),
  };
}

function describeIssue(issue: z.core.$ZodIssue | undefined) {
  const where = (issue?.path ?? []).map(String);
  const name = where.join('.');
  if (issue?.code === 'unrecognized_keys') {
    const [key = ''] = issue.keys;
    const known = where.length === 0 ? Object.keys(schema.shape) : knownBelow(where[0]);
    const whole = [...where, key].join('.');
    const meant = didYouMean(key, known, where.map((part) => `${part}.`).join(''));
    const message = `unknown key ${whole}${meant === '' ? ` (there are ${known.join(', ')})` : meant}`;
    return { keys: issue.keys, message, where };
  }
  if (issue?.code === 'invalid_type' && issue.expected === 'object') {
    const known = where.length === 0 ? Object.keys(schema.shape) : knownBelow(where[0]);
    return { keys: [], message: `${name || 'the file'} has no keys (there are ${known.join(', ')})`, where };
  }
  return { keys: [], message: `${name} ${issue?.message}`, where };
}

function knownBelow(key: string | undefined): string[] {
  const { source, warehouse } = schema.shape;
  const below = { source, warehouse }[key ?? ''];
  return below === undefined ? [] : Object.keys(below.unwrap().shape);
}

function lineOf(document: Document.Parsed, lines: LineCounter, keys: readonly string[]): number {
  let node: unknown = document.contents;
  let line = 1;
  for (const key of keys) {
    if (!isMap(node)) break;
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === key);
    if (pair === undefined || !isScalar(pair.key) || !pair.key.range) break;
    line = lines.linePos(pair.key.range[0]).line;
    node = pair.value;
  }
  return line;
}

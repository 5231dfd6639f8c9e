import { type Document, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { didYouMean } from '../help/suggest.ts';
import { UsageError } from '../terminal/usage-error.ts';

/** What is wrong with a project, and where. */
export interface Finding {
  /** As it is shown: a path from the project's folder. */
  file: string;
  /** Undefined where the whole file is meant. */
  line?: number;
  message: string;
}

/** @example 'tables/fact_rental.yml line 9: unknown key columns.paid.form; did you mean columns.paid.from?' */
export const formatFinding = ({ file, line, message }: Finding): string =>
  `${file}${line === undefined ? '' : ` line ${line}`}: ${message}`;

/** Findings as one error, a line for each. */
export const refuseFindings = (findings: readonly Finding[]): UsageError =>
  new UsageError(findings.map(formatFinding).join('\n'));

/** A YAML file with the places of its keys. */
export interface YamlFile {
  name: string;
  document: Document.Parsed;
  lines: LineCounter;
}

type Keys = readonly (string | number)[];

/** Makes findings of one file, by the key that each is about. */
export const findingAt = (file: YamlFile, keys: Keys, message: string): Finding => ({
  file: file.name,
  line: lineOf(file, keys),
  message,
});

/**
 * Reads YAML by a grammar.
 *
 * @param name as findings show it
 * @returns no value where there are findings; an empty file is taken for an empty map
 */
export function parseYaml<Schema extends z.ZodType>(
  name: string,
  text: string,
  schema: Schema,
): { file: YamlFile; value: z.infer<Schema> | undefined; findings: Finding[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const file = { name, document, lines };
  const broken = document.errors.map(({ message, pos }): Finding => {
    // What follows the first line shows the place, and so the content, which may be a password.
    const [first = ''] = message.split('\n');
    return { file: name, line: lines.linePos(pos[0]).line, message: first.replace(/ at line \d+.*$/, '') };
  });
  if (broken.length > 0) return { file, value: undefined, findings: broken };
  const parsed = schema.safeParse(document.toJS() ?? {});
  if (parsed.success) return { file, value: parsed.data, findings: [] };
  const findings = parsed.error.issues.flatMap((issue) => describeIssue(file, schema, issue));
  return { file, value: undefined, findings };
}

function describeIssue(file: YamlFile, schema: z.ZodType, issue: z.core.$ZodIssue): Finding[] {
  const where = issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key));
  const name = where.join('.') || 'the file';
  if (issue.code === 'unrecognized_keys') {
    const known = knownBelow(schema, where);
    return issue.keys.map((key) => {
      const meant = didYouMean(key, known, where.map((part) => `${part}.`).join(''));
      const whole = [...where, key].join('.');
      return findingAt(file, [...where, key], `unknown key ${whole}${meant || ` ${listKeys(known)}`}`);
    });
  }
  if (issue.code === 'invalid_type' && !file.document.hasIn(where)) {
    return [findingAt(file, where, `${name} is missing`)];
  }
  if (issue.code === 'invalid_type' && (issue.expected === 'object' || issue.expected === 'record')) {
    const known = knownBelow(schema, where);
    const list = known.length === 0 ? '' : ` ${listKeys(known)}`;
    return [findingAt(file, where, `${name} has no keys${list}`)];
  }
  return [findingAt(file, where, `${name} ${issue.message}`)];
}

const listKeys = (known: readonly string[]): string => `(there are ${known.join(', ')})`;

/** The keys that the grammar has at a place. */
function knownBelow(schema: z.ZodType, where: Keys): string[] {
  const found = where.reduce<z.ZodType | undefined>((current, key) => stepInto(current, String(key)), schema);
  const bare = found === undefined ? undefined : unwrap(found);
  return bare instanceof z.ZodObject ? Object.keys(bare.shape) : [];
}

function stepInto(schema: z.ZodType | undefined, key: string): z.ZodType | undefined {
  const bare = schema === undefined ? undefined : unwrap(schema);
  if (bare instanceof z.ZodObject) return bare.shape[key] as z.ZodType | undefined;
  if (bare instanceof z.ZodRecord) return bare.valueType as z.ZodType;
  return undefined;
}

const unwrap = (schema: z.ZodType): z.ZodType =>
  schema instanceof z.ZodOptional || schema instanceof z.ZodNullable
    ? unwrap(schema.unwrap() as z.ZodType)
    : schema;

/** The line of a key, or of the nearest one around it that the file has. */
export function lineOf({ document, lines }: YamlFile, keys: Keys): number {
  let node: unknown = document.contents;
  let line = 1;
  for (const key of keys) {
    if (isSeq(node)) {
      node = node.items[Number(key)];
      if (isScalar(node) && node.range) line = lines.linePos(node.range[0]).line;
      continue;
    }
    if (!isMap(node)) break;
    const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
    if (pair === undefined || !isScalar(pair.key) || !pair.key.range) break;
    line = lines.linePos(pair.key.range[0]).line;
    node = pair.value;
  }
  return line;
}

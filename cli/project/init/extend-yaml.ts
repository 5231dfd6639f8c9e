import { isMap, isScalar, isSeq, type Pair, parseDocument, type YAMLMap } from 'yaml';

/**
 * Adds a key to a map of a YAML text, and changes no line that is there: by text, because the yaml package writes a whole
 * document anew, and with it what somebody has laid out.
 *
 * @param path the keys of the map; those that are missing are made
 * @param lines what stands behind the key: a value for its line, or further lines, indented by two from the key
 * @returns undefined where the map is written in braces, or is no map: it would have to be written anew
 */
export function addKey(text: string, path: readonly string[], lines: readonly string[]): string | undefined {
  let map: unknown = parseDocument(text).contents;
  if (map === null)
    return `${text.replace(/\n*$/, text === '' ? '' : '\n')}${nest(path, lines).join('\n')}\n`;
  for (const [index, key] of path.entries()) {
    if (map === null || !isMap(map)) return undefined;
    const pair = findPair(map, key);
    if (pair === undefined) {
      return insertInto(text, map, nest(path.slice(index), lines));
    }
    map = pair.value;
  }
  return isMap(map) ? insertInto(text, map, lines) : undefined;
}

const nest = (path: readonly string[], lines: readonly string[]): string[] => [
  ...path.map((name, depth) => `${'  '.repeat(depth)}${formatKey(name)}:`),
  ...lines.map((line) => '  '.repeat(path.length) + line),
];

/** Adds a key to a map in braces: its line grows, and nothing that stands in it changes. */
export function addInBraces(text: string, path: readonly string[], entry: string): string | undefined {
  const map = parseDocument(text).getIn(path, true);
  if (!isMap(map) || map.flow !== true || !map.range) return undefined;
  const last = map.items.at(-1);
  const key = last?.key as { range?: [number, number, number] } | undefined;
  const value = last?.value as { range?: [number, number, number] } | null | undefined;
  const place = value?.range?.[1] ?? key?.range?.[1];
  if (place === undefined)
    return `${text.slice(0, map.range[0] + 1)} ${entry} ${text.slice(map.range[0] + 1)}`;
  return `${text.slice(0, place)}, ${entry}${text.slice(place)}`;
}

/** The same for a list: adds an element. In brackets, the line of the list grows; nothing that stands in it changes. */
export function addElement(text: string, path: readonly string[], element: string): string | undefined {
  const node = parseDocument(text).getIn(path, true);
  if (!isSeq(node) || !node.range) return undefined;
  const formatted = formatKey(element);
  if (node.flow === true) {
    const last = node.items.at(-1) as { range?: [number, number, number] } | undefined;
    const place = last?.range?.[1] ?? node.range[0] + 1;
    return `${text.slice(0, place)}${last === undefined ? '' : ', '}${formatted}${text.slice(place)}`;
  }
  const column = columnOf(text, node.range[0]);
  return insertLines(text, node.range[1], [`${' '.repeat(column)}- ${formatted}`]);
}

const findPair = (map: YAMLMap, key: string): Pair | undefined =>
  map.items.find((item) => isScalar(item.key) && String(item.key.value) === key);

function insertInto(text: string, map: YAMLMap, lines: readonly string[]): string | undefined {
  const [first] = map.items;
  const last = map.items.at(-1);
  if (map.flow === true || !isScalar(first?.key) || !first.key.range || !isScalar(last?.key))
    return undefined;
  const value = last.value as { range?: [number, number, number] | null } | null;
  const end = Math.max(last.key.range?.[1] ?? 0, value?.range?.[1] ?? 0);
  const indent = ' '.repeat(columnOf(text, first.key.range[0]));
  return insertLines(
    text,
    end,
    lines.map((line) => indent + line),
  );
}

/** Behind the line in which a place lies, or which ends there. */
function insertLines(text: string, place: number, lines: readonly string[]): string {
  // The range of a block ends where the next line begins.
  const inLine = text[place - 1] === '\n' ? place - 1 : place;
  const lineEnd = text.includes('\r\n') ? '\r\n' : '\n';
  const next = text.indexOf('\n', inLine);
  const end = next === -1 ? text.length : next - (text[next - 1] === '\r' ? 1 : 0);
  const added = lines.map((line) => lineEnd + line).join('');
  return text.slice(0, end) + added + (next === -1 ? lineEnd : text.slice(end));
}

const columnOf = (text: string, place: number): number => place - (text.lastIndexOf('\n', place - 1) + 1);

/** A name as a key or an element of a list. */
export function formatKey(name: string): string {
  const written = JSON.stringify(name);
  const isPlain = /^[\p{L}_][\p{L}\p{N}_. -]*(?<! )$/u.test(name) && isPlainScalar(name);
  return isPlain ? name : written;
}

/** Other readers of YAML take `on`, `no` and the like for a truth. */
const isPlainScalar = (name: string): boolean =>
  !/^(?:true|false|null|yes|no|on|off|y|n|~|\.inf|\.nan)$/i.test(name);

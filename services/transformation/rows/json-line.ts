/** A number as its digits stand in the line: a JavaScript number would lose some of them. */
export class JsonNumber {
  readonly digits: string;
  constructor(digits: string) {
    this.digits = digits;
  }
}

/** JSON.parse hands its reviver the source text of a primitive value; TypeScript's library does not know yet. */
type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown;

/** The values of one JSON line by their keys, numbers as JsonNumber; undefined if it is not a JSON object. */
export function parseJsonLine(text: string): Map<string, unknown> | undefined {
  const row = parse(text);
  if (typeof row !== 'object' || row === null || Array.isArray(row) || row instanceof JsonNumber) return;
  return new Map(Object.entries(row));
}

function parse(text: string): unknown {
  const keepDigits: Reviver = (_key, value, context) =>
    typeof value === 'number' ? new JsonNumber(context?.source ?? '') : value;
  try {
    return JSON.parse(text, keepDigits);
  } catch {
    return undefined;
  }
}

/**
 * The fields of a row as Postgres writes it: `(7,"two words",,"")`. Nothing between commas is null, `""` is the
 * empty text; inside quotes a quote and a backslash are doubled.
 *
 * @param most how many fields to read
 * @see https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX
 */
export function parseRecordText(record: string, most = Number.POSITIVE_INFINITY): (string | null)[] {
  const fields: (string | null)[] = [];
  let at = 1;
  while (at < record.length && fields.length < most) {
    const isQuoted = record[at] === '"';
    const end = isQuoted ? endOfQuoted(record, at) : endOfBare(record, at);
    const text = record.slice(at, end);
    if (isQuoted) fields.push(text.slice(1, -1).replace(/(["\\])\1/g, '$1'));
    else fields.push(text === '' ? null : text);
    at = end + 1;
  }
  return fields;
}

function endOfQuoted(record: string, start: number): number {
  let at = start + 1;
  while (record[at] !== '"' || record[at + 1] === '"') at += record[at] === '"' ? 2 : 1;
  return at + 1;
}

/** The comma after it, or the parenthesis that closes the row. */
function endOfBare(record: string, start: number): number {
  const comma = record.indexOf(',', start);
  return comma === -1 ? record.length - 1 : comma;
}

/** The inverse of `parseRecordText`, quoted where Postgres quotes. */
export const formatRecordText = (fields: readonly (string | null)[]): string =>
  `(${fields.map((field) => (field === null ? '' : quoteField(field))).join(',')})`;

const quoteField = (text: string): string =>
  text === '' || /["\\(), \t\n\v\f\r]/.test(text) ? `"${text.replace(/["\\]/g, '$&$&')}"` : text;

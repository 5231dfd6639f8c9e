/**
 * How texts of a key are compared:
 * - `number`: by value, so that 1.50 is 1.5
 * - `float`: as a double: two texts may be one value
 * - `moment`: a timestamp has a T in the zones and a space in Postgres
 * - `text`: as they are
 */
export type KeyKind = 'number' | 'float' | 'moment' | 'text';

/** One text for all that are the same value. */
export function canonicalText(kind: KeyKind, text: string): string {
  if (kind === 'number') return canonicalNumber(text);
  if (kind === 'float') return String(Number(text));
  if (kind === 'moment') return canonicalMoment(text);
  return text;
}

const decimal = /^([+-]?)0*(\d*)(?:\.(\d*?)0*)?$/;

function canonicalNumber(text: string): string {
  const [, sign = '', whole = '', fraction = ''] = decimal.exec(text) ?? [];
  // NaN, and what JSON writes with an exponent.
  if (whole === '' && fraction === '' && !/^[+-]?0/.test(text)) return text;
  const digits = `${whole === '' ? '0' : whole}${fraction === '' ? '' : `.${fraction}`}`;
  return sign === '-' && digits !== '0' ? `-${digits}` : digits;
}

const canonicalMoment = (text: string): string =>
  text
    .replace(/^(\d+-\d\d-\d\d)T/, '$1 ')
    .replace(/\+00(:00)?(?= BC$|$)/, '')
    .replace(/(\.\d*?)0+(?= BC$|$)/, '$1')
    .replace(/\.(?= BC$|$)/, '');

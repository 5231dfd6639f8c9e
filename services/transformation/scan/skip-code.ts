import type { SourceField } from '../../../shared/star-schema/assemble.ts';

/**
 * The code that passes over the value of a field that nothing is made from: null, or what its type looks like in
 * JSON. It speaks of the same names as valueCode's.
 */
export const skipCode = ({ type }: SourceField): string =>
  `if (view.getInt32(p, true) === 0x6c6c756e) p += 4; else { ${skipTypeCode(type)} }`;

function skipTypeCode(type: SourceField['type']): string {
  if (type === 'varchar' || type === 'timestamp') return skipTextCode;
  return type === 'bool' ? skipBooleanCode : skipNumberCode;
}

const skipTextCode = `
if (bytes[p] !== 34) break fits;
let byte = 0;
while ((byte = bytes[++p]) !== 34) {
  if (byte === 92) {
    if (unescapedAt(bytes, p) < 0) break fits;
    p += bytes[p + 1] === 117 ? 5 : 1;
  } else if (byte < 32) break fits;
}
p++;`;

const skipBooleanCode = `
if (view.getInt32(p, true) === 0x65757274) p += 4;
else if (bytes[p] === 102 && view.getInt32(p + 1, true) === 0x65736c61) p += 5;
else break fits;`;

const skipNumberCode = `
if (bytes[p] === 45) p++;
const first = p;
while (bytes[p] >= 48 && bytes[p] <= 57) p++;
if (p === first || (p - first > 1 && bytes[first] === 48)) break fits;
if (bytes[p] === 46) {
  const point = p++;
  while (bytes[p] >= 48 && bytes[p] <= 57) p++;
  if (p === point + 1) break fits;
}`;

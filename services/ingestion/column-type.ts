import type { SourceType } from '../../shared/star-schema/define.ts';

/** Types that carry the same values, by their oids, which are fixed for built-in types. */
const families = {
  integer: [21, 23, 20], // int2 int4 int8
  text: [25, 1043, 1042], // text varchar char(n)
  numeric: [1700],
  boolean: [16],
  timestamp: [1114],
};

/** Whether a column of this type can stand for one that the model declares: widened types go on. */
export const isTypeFitting = (declared: SourceType, typeOid: number): boolean =>
  families[familyOf(declared)].includes(typeOid);

function familyOf(declared: SourceType): keyof typeof families {
  if (declared === 'int4' || declared === 'int8') return 'integer';
  if (declared === 'varchar') return 'text';
  if (declared === 'bool') return 'boolean';
  return declared === 'timestamp' ? 'timestamp' : 'numeric';
}

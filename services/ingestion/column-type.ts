import type { SourceType } from '../../shared/star-schema/define.ts';

interface Family {
  /** Of types that carry the same values; they are fixed for built-in types. */
  oids: readonly number[];
  /** The same types as Postgres writes them. */
  names: string;
  /** What the model calls a column of these types. */
  declaredAs: string;
}

const integer: Family = {
  oids: [21, 23, 20],
  names: 'smallint, integer or bigint',
  declaredAs: 'int4 or int8',
};
const text: Family = {
  oids: [25, 1043, 1042],
  names: 'text, character varying or character',
  declaredAs: 'varchar',
};
const numeric: Family = { oids: [1700], names: 'numeric', declaredAs: 'numeric(precision,scale)' };
const boolean: Family = { oids: [16], names: 'boolean', declaredAs: 'bool' };
const timestamp: Family = { oids: [1114], names: 'timestamp without time zone', declaredAs: 'timestamp' };
const families = [integer, text, numeric, boolean, timestamp];

/** Whether a column of this type can stand for one that the model declares: widened types go on. */
export const isTypeFitting = (declared: SourceType, typeOid: number): boolean =>
  familyOf(declared).oids.includes(typeOid);

/** @example 'it must be boolean, or the model must declare it as int4 or int8' */
export function describeFittingTypes(declared: SourceType, typeOid: number): string {
  const mustBe = `it must be ${familyOf(declared).names}`;
  const other = families.find(({ oids }) => oids.includes(typeOid));
  return other === undefined ? mustBe : `${mustBe}, or the model must declare it as ${other.declaredAs}`;
}

function familyOf(declared: SourceType): Family {
  switch (declared) {
    case 'int4':
    case 'int8':
      return integer;
    case 'varchar':
      return text;
    case 'bool':
      return boolean;
    case 'timestamp':
      return timestamp;
    default:
      return numeric;
  }
}

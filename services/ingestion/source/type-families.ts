import type { SourceType } from '../../../shared/model/define.ts';
import type { RelationColumn } from './relations.ts';

type ColumnType = Pick<RelationColumn, 'typeOid' | 'typeKind' | 'typeCategory'>;

/** Whether a column of this type can stand for one that the model declares. A type that was widened still can. */
export const isTypeFitting = (declared: SourceType, column: ColumnType): boolean =>
  familyOf(declared).has(column);

/** @example 'it must be boolean, or the model must declare it as int2, int4 or int8' */
export function describeFittingTypes(declared: SourceType, column: ColumnType): string {
  const mustBe = `it must be ${familyOf(declared).names}`;
  const declaredAs = Object.values(families).find(({ has }) => has(column))?.declaredAs;
  return `${mustBe}, or the model must declare it as ${declaredAs}`;
}

/** Types that carry the same values. */
interface Family {
  has(column: ColumnType): boolean;
  /** The types as Postgres writes them. */
  names: string;
  /** What the model calls a column of these types. */
  declaredAs: string;
}

/** Type oids are fixed for the built-in types: src/include/catalog/pg_type.dat. */
const ofOids = (oids: readonly number[], names: string, declaredAs: string): Family => ({
  has: ({ typeOid }) => oids.includes(typeOid),
  names,
  declaredAs,
});

const families = {
  integer: ofOids([21, 23, 20], 'smallint, integer or bigint', 'int2, int4 or int8'),
  oid: ofOids([26], 'oid', 'oid'),
  numeric: ofOids([1700], 'numeric', 'numeric(precision,scale) or numeric'),
  float4: ofOids([700], 'real', 'float4'),
  float8: ofOids([701], 'double precision', 'float8'),
  boolean: ofOids([16], 'boolean', 'bool'),
  // Category S has text, varchar, char(n), name, and citext, whose oid differs from database to database.
  text: {
    has: ({ typeKind, typeCategory }) => typeKind === 'e' || typeCategory === 'S',
    names: 'text, character varying, character or another type of text, or an enum',
    declaredAs: 'varchar',
  },
  date: ofOids([1082], 'date', 'date'),
  time: ofOids([1083], 'time without time zone', 'time'),
  timestamp: ofOids([1114], 'timestamp without time zone', 'timestamp'),
  timestamptz: ofOids([1184], 'timestamp with time zone', 'timestamptz'),
  uuid: ofOids([2950], 'uuid', 'uuid'),
  bytea: ofOids([17], 'bytea', 'bytea'),
  json: ofOids([114], 'json', 'json'),
  jsonb: ofOids([3802], 'jsonb', 'jsonb'),
  // The last, for it has all types that the others lack.
  other: { has: () => true, names: 'of any type', declaredAs: 'other' },
  masked: { has: () => true, names: 'of any type', declaredAs: 'masked' },
} satisfies Record<string, Family>;

function familyOf(declared: SourceType): Family {
  switch (declared) {
    case 'int2':
    case 'int4':
    case 'int8':
      return families.integer;
    case 'varchar':
      return families.text;
    case 'bool':
      return families.boolean;
    case 'oid':
    case 'float4':
    case 'float8':
    case 'date':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'uuid':
    case 'bytea':
    case 'json':
    case 'jsonb':
    case 'other':
    case 'masked':
      return families[declared];
    default:
      return families.numeric;
  }
}

/** By oid. Postgres writes money as the server's lc_monetary says, which another server may misread. */
const moneyCasts: Readonly<Record<number, string>> = { 790: 'numeric', 791: 'numeric[]' };

/** The type that a column is cast to before it is written. */
export const extractedAs = ({ typeOid }: ColumnType): string | undefined => moneyCasts[typeOid];

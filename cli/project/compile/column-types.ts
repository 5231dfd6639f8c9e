import {
  type Derivation,
  formatType,
  type SourceType,
  type WarehouseType,
} from '../../../shared/model/define.ts';
import type { LockedColumn } from '../files/lock-file.ts';
import { asPattern } from '../files/table-grammar.ts';

/** What a column of the source is to an extract, and to the warehouse where nothing else is said. */
export interface ColumnTypes {
  source: SourceType;
  warehouse: WarehouseType;
}

/** Decimals beyond this do not fit into the 128 bits of the zones' numbers. */
const maxPrecision = 38;

/** Postgres' own types by the names that format_type gives them, without a modifier. */
const fixedTypes: Readonly<Record<string, ColumnTypes>> = {
  smallint: { source: 'int2', warehouse: { name: 'smallint' } },
  integer: { source: 'int4', warehouse: { name: 'int' } },
  bigint: { source: 'int8', warehouse: { name: 'bigint' } },
  oid: { source: 'oid', warehouse: { name: 'bigint' } },
  real: { source: 'float4', warehouse: { name: 'real' } },
  'double precision': { source: 'float8', warehouse: { name: 'double precision' } },
  boolean: { source: 'bool', warehouse: { name: 'boolean' } },
  text: { source: 'varchar', warehouse: { name: 'text' } },
  'character varying': { source: 'varchar', warehouse: { name: 'text' } },
  character: { source: 'varchar', warehouse: { name: 'text' } },
  bpchar: { source: 'varchar', warehouse: { name: 'text' } },
  name: { source: 'varchar', warehouse: { name: 'text' } },
  date: { source: 'date', warehouse: { name: 'date' } },
  'time without time zone': { source: 'time', warehouse: { name: 'time' } },
  'timestamp without time zone': { source: 'timestamp', warehouse: { name: 'timestamp' } },
  'timestamp with time zone': { source: 'timestamptz', warehouse: { name: 'timestamptz' } },
  uuid: { source: 'uuid', warehouse: { name: 'uuid' } },
  bytea: { source: 'bytea', warehouse: { name: 'bytea' } },
  json: { source: 'json', warehouse: { name: 'json' } },
  jsonb: { source: 'jsonb', warehouse: { name: 'jsonb' } },
};

/** Types of Postgres whose values mean something in one database alone: they become text. `"char"` does so as a byte. */
const localTypes =
  /^("char"|aclitem|pg_node_tree|pg_ndistinct|pg_dependencies|pg_mcv_list|pg_snapshot|txid_snapshot|reg[a-z]+|refcursor|tid|cid|xid|xid8)(\[\])*$/;

const otherText: ColumnTypes = { source: 'other', warehouse: { name: 'text' } };

/** @see docs/model.md, which has this as a table */
export function typesOf({ type, base, kind }: LockedColumn): ColumnTypes {
  const declared = base ?? type;
  if (kind === 'enum') return { source: 'varchar', warehouse: { name: 'text' } };
  if (kind === 'other') return isCitext(declared) ? textTypes() : otherText;
  const numeric = /^numeric(?:\((\d+),(-?\d+)\))?$/.exec(declared);
  if (numeric !== null) return numericTypes(numeric[1], numeric[2]);
  const bare = declared.replace(/\(\d+(?:,-?\d+)?\)/, '');
  const fixed = Object.hasOwn(fixedTypes, bare) ? fixedTypes[bare] : undefined;
  if (fixed !== undefined) return fixed;
  // The extract makes a numeric of it, for how money is written is a setting of each server.
  if (declared === 'money') return { source: 'other', warehouse: { name: 'carried', sql: 'numeric' } };
  return localTypes.test(declared)
    ? otherText
    : { source: 'other', warehouse: { name: 'carried', sql: declared } };
}

/** Of a column of any type. */
export const maskedTypes: ColumnTypes = { source: 'masked', warehouse: { name: 'text' } };

const textTypes = (): ColumnTypes => ({ source: 'varchar', warehouse: { name: 'text' } });

const isCitext = (type: string): boolean => type === 'citext' || type.endsWith('.citext');

/** Whether the source takes two texts for one value that are two in the warehouse: 'Ann' and 'ANN'. */
export const isLoose = ({ type, base, deterministic }: LockedColumn): boolean =>
  deterministic === false || isCitext((base ?? type).replace(/(\[\])+$/, ''));

function numericTypes(precisionText: string | undefined, scaleText: string | undefined): ColumnTypes {
  const precision = Number(precisionText);
  const scale = Number(scaleText);
  // A scale below 0, or above the precision, is Postgres' alone.
  const isPlain =
    precisionText !== undefined && precision <= maxPrecision && scale >= 0 && scale <= precision;
  if (!isPlain) return { source: 'numeric', warehouse: { name: 'carried', sql: 'numeric' } };
  return { source: `numeric(${precision},${scale})`, warehouse: { name: 'numeric', precision, scale } };
}

export type Made = { kind: Derivation['kind']; type: WarehouseType };

/**
 * What `as` makes of a column.
 *
 * @returns what is wrong, to follow 'of <column>, which is <type>', where nothing can be made of it
 */
export function makeAs(as: string | undefined, types: ColumnTypes): Made | string {
  const { source, warehouse } = types;
  if (as === undefined) return { kind: isOpaque(types) ? 'text' : 'field', type: warehouse };
  switch (as) {
    case 'date':
      return makeDate(source);
    case 'time':
      if (source === 'time') return { kind: 'field', type: { name: 'time' } };
      if (isTimestamp(source)) return { kind: 'time of', type: { name: 'time' } };
      return 'a time is made of a timestamp or a time';
    case 'text':
      return { kind: isTextSource(source) ? 'field' : 'text', type: { name: 'text' } };
    case 'varchar':
      if (isTextSource(source)) return { kind: 'field', type: { name: 'varchar' } };
      return 'a varchar is made of a text; as: text takes any type';
    default:
      return makeNumeric(as, source);
  }
}

const isTextSource = (source: SourceType): boolean => source === 'varchar' || source === 'masked';

/** Nothing but text can be made of it. */
const isOpaque = ({ source, warehouse }: ColumnTypes): boolean =>
  source === 'other' && warehouse.name === 'text';

function makeDate(source: SourceType): Made | string {
  const type = { name: 'date' } as const;
  if (source === 'date') return { kind: 'field', type };
  if (source === 'varchar') return { kind: 'date', type };
  if (isTimestamp(source)) return { kind: 'date of', type };
  return 'a date is made of a timestamp, a date, or a text like 2026-11-30';
}

function makeNumeric(as: string, source: SourceType): Made | string {
  const { precision, scale } = asPattern.exec(as)?.groups ?? {};
  const type = { name: 'numeric', precision: Number(precision), scale: Number(scale) } as const;
  if (type.precision < 1 || type.precision > maxPrecision || type.scale > type.precision) {
    return `a numeric(p,s) has a p of 1 to ${maxPrecision}, and an s of 0 to p`;
  }
  return isNumber(source) ? { kind: 'field', type } : 'a numeric(p,s) is made of an integer or a numeric';
}

const isTimestamp = (type: SourceType): boolean => type === 'timestamp' || type === 'timestamptz';

const wholeNumbers: readonly SourceType[] = ['int2', 'int4', 'int8', 'oid'];

const isNumber = (type: SourceType): boolean => wholeNumbers.includes(type) || type.startsWith('numeric');

/** Types whose values Postgres compares with each other. */
const families: readonly ((type: SourceType) => boolean)[] = [
  (type) => isNumber(type) || type === 'float4' || type === 'float8',
  (type) => type === 'varchar',
  (type) => isTimestamp(type) || type === 'date',
];

/** Whether columns of these types can be joined by `=`. */
export const areComparable = (a: LockedColumn, b: LockedColumn): boolean => {
  const [left, right] = [typesOf(a).source, typesOf(b).source];
  if (left === 'other' || right === 'other') return (a.base ?? a.type) === (b.base ?? b.type);
  // An enum is compared with itself alone.
  if (a.kind !== undefined || b.kind !== undefined) return (a.base ?? a.type) === (b.base ?? b.type);
  return left === right || families.some((belongs) => belongs(left) && belongs(right));
};

/** Whether values that are equal have the same text: only then are they masked alike. */
export const haveEqualTexts = (a: LockedColumn, b: LockedColumn): boolean => {
  const [left, right] = [a, b].map((column) => typesOf(column).source);
  const isWhole = (type: SourceType | undefined) => wholeNumbers.some((each) => each === type);
  if (isWhole(left) && isWhole(right)) return true;
  return left === 'varchar' && right === 'varchar' ? true : (a.base ?? a.type) === (b.base ?? b.type);
};

const integerRanks: readonly string[] = ['smallint', 'int', 'bigint'];

/**
 * The type of a column that holds the key of a dimension: the key's own, where it takes every value that the column has.
 *
 * @returns undefined where the two do not fit
 */
export function fitToKey(made: Made, key: WarehouseType): Made | undefined {
  if (isSameType(made.type, key)) return made;
  if (made.kind !== 'field') return undefined;
  const ranks = [integerRanks.indexOf(made.type.name), integerRanks.indexOf(key.name)] as const;
  const isWider = ranks[0] >= 0 && ranks[0] < ranks[1];
  const isText = isTextType(made.type) && isTextType(key);
  return isWider || isText ? { kind: 'field', type: key } : undefined;
}

const isTextType = ({ name }: WarehouseType): boolean => name === 'text' || name === 'varchar';

const isSameType = (a: WarehouseType, b: WarehouseType): boolean => formatType(a) === formatType(b);

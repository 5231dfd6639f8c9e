/**
 * How row_to_json renders a column, from datum_to_json in Postgres' src/backend/utils/adt/json.c:
 * - `string`: the type's text form, quoted and escaped (text, varchar, char, date, time, uuid, enums, …)
 * - `number`: int2, int4, int8, float4, float8, numeric; NaN and the infinities are quoted
 * - `boolean`: true or false
 * - `timestamp`: without time zone, with a T between date and time
 * - `timestamptz`: the same, and an offset that always has its minutes
 * - `json`: json and jsonb, as they are
 */
export type JsonKind = 'string' | 'number' | 'boolean' | 'timestamp' | 'timestamptz' | 'json';

/** Type oids are fixed for the built-in types: src/include/catalog/pg_type.dat. */
const typeOids: Record<JsonKind, readonly number[]> = {
  number: [21, 23, 20, 700, 701, 1700], // int2 int4 int8 float4 float8 numeric
  boolean: [16],
  timestamp: [1114],
  timestamptz: [1184],
  json: [114, 3802], // json jsonb
  string: [
    ...[25, 1043, 1042, 18, 19], // text varchar bpchar "char" name
    ...[1082, 1083, 1266, 1186], // date time timetz interval
    ...[2950, 17, 26, 790], // uuid bytea oid money
    ...[869, 650, 829, 774, 1560, 1562], // inet cidr macaddr macaddr8 bit varbit
  ],
};

const kinds = new Map(
  Object.entries(typeOids).flatMap(([kind, oids]) => oids.map((oid) => [oid, kind as JsonKind] as const)),
);

/**
 * The kind of a built-in scalar type, by its oid in pg_type.
 *
 * Undefined for arrays and composites, which the transcoder cannot carry, and for every user-defined
 * type, whose oid differs from database to database: there an enum (pg_type.typtype 'e') is a `string`,
 * and a domain ('d') is what its base type is.
 */
export function jsonKindOf(typeOid: number): JsonKind | undefined {
  return kinds.get(typeOid);
}

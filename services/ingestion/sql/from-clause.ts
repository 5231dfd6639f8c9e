import { quoteIdentifier, quoteQualified } from '../../../shared/postgres/identifier.ts';
import type { SourceTable } from '../../../shared/star-schema/assemble.ts';

/** The table under the alias `source`, and each of its joins under the alias that joinAlias gives. */
export function fromClause(schema: string, table: SourceTable): string {
  const joins = table.joins.map((join, index) => {
    const alias = joinAlias(index);
    const pairs = Object.entries(join.on).map(
      ([own, other]) => `${alias}.${quoteIdentifier(other)} = source.${quoteIdentifier(own)}`,
    );
    return `left join ${quoteQualified(schema, join.table)} as ${alias} on ${pairs.join(' and ')}`;
  });
  return [`from ${quoteQualified(schema, table.name)} as source`, ...joins].join(' ');
}

export const joinAlias = (index: number): string => `joined_${index}`;

/** Of all tables whose rows make a row of the extract: each one's xmin says whether that is new. */
export const aliasesOf = (table: SourceTable): string[] => [
  'source',
  ...table.joins.map((_, index) => joinAlias(index)),
];

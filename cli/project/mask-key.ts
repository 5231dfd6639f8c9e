import type { ModelDefinition, SourceDefinition } from '../../shared/model/define.ts';
import { sourceNameOf } from '../../shared/model/source-name.ts';
import { UsageError } from '../terminal/usage-error.ts';

/** With fewer, somebody who has the warehouse could try them all. */
const leastCharacters = 16;

/**
 * Asserts that this machine has a key where the model masks columns, before anything is read.
 *
 * @throws {UsageError} it has none, or a short one
 */
export function assertMaskKey(
  { tables }: Pick<ModelDefinition, 'tables'>,
  { STARLIFT_MASK_KEY: key }: Readonly<Record<string, string | undefined>>,
): void {
  const [masked] = tables.flatMap((table) => (table.kind === 'calendar' ? [] : maskedOf(table.source)));
  if (masked === undefined || (key !== undefined && key.length >= leastCharacters)) return;
  const what = key
    ? `STARLIFT_MASK_KEY has fewer than ${leastCharacters} characters`
    : 'STARLIFT_MASK_KEY is not set';
  throw new UsageError(
    `${masked} is masked, and ${what}: set it to a text that nobody can guess, such as that of openssl rand -hex 32, and keep it`,
  );
}

const maskedOf = (source: SourceDefinition): string[] => [
  ...columnsOf(sourceNameOf(source), source.columns),
  ...(source.joins ?? []).flatMap((join) => columnsOf(sourceNameOf(join), join.columns)),
];

const columnsOf = (table: string, columns: SourceDefinition['columns']): string[] =>
  Object.entries(columns).flatMap(([column, type]) =>
    type.startsWith('masked') ? [`${table}.${column}`] : [],
  );

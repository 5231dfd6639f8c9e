import { type QueueKind, queueKinds } from '../../shared/queue/queue-settings.ts';
import { starSchema } from '../../shared/star-schema/star-schema.ts';
import { hasTable, type NamedTables, parseTable } from '../options/named-tables.ts';
import { type OptionValues, textOption } from '../options/site-options.ts';
import type { DeadLetter } from '../site/dead-letter.ts';
import { UsageError } from '../terminal/usage-error.ts';

export interface FailureSelection {
  /** Absent: of all tables, and what names no table. */
  tables?: NamedTables;
  queue?: QueueKind;
  messageId?: string;
}

/** @throws {UsageError} there is no such table or queue */
export function parseSelection(values: OptionValues): FailureSelection {
  const table = textOption(values.table);
  const queue = textOption(values.queue);
  const messageId = textOption(values.message);
  return {
    ...(table !== undefined && { tables: parseTable(table, starSchema) }),
    ...(queue !== undefined && { queue: parseQueue(queue) }),
    ...(messageId !== undefined && { messageId }),
  };
}

function parseQueue(text: string): QueueKind {
  const queue = queueKinds.find((kind) => kind === text);
  if (queue === undefined) throw new UsageError(`--queue ${text} is none of ${queueKinds.join(', ')}`);
  return queue;
}

export const isSelected = (
  failure: Pick<DeadLetter, 'table' | 'queue' | 'messageId'>,
  { tables, queue, messageId }: FailureSelection,
): boolean =>
  (tables === undefined || hasTable(tables, failure.table)) &&
  (queue === undefined || failure.queue === queue) &&
  (messageId === undefined || failure.messageId === messageId);

import type { RunId } from '../../shared/object-store/object-key.ts';
import type { BlockRange, ExtractMessage } from '../../shared/queue/extract-message.ts';
import type { PlannedSlice } from './planned-run.ts';

/** What a run's record keeps of its messages beside the list of slices: enough to send each once more. */
export interface PlannedMessages
  extends Pick<ExtractMessage, 'identity' | 'plannedXmax' | 'plannedLsn' | 'newRows'> {
  /** By table. */
  fileNodes: Record<string, string>;
  /** By slice. */
  blocks: Record<string, BlockRange>;
}

/** @returns undefined of no messages */
export function packMessages(messages: readonly ExtractMessage[]): PlannedMessages | undefined {
  const [first] = messages;
  if (first === undefined) return undefined;
  const { identity, plannedXmax, plannedLsn } = first;
  // A plan asks of all tables for the rows of the same xids, or for all rows.
  const newRows = messages.find((message) => message.newRows !== undefined)?.newRows;
  const position = { plannedXmax, ...(plannedLsn && { plannedLsn }), ...(newRows && { newRows }) };
  return {
    ...{ identity, ...position },
    fileNodes: Object.fromEntries(
      messages.flatMap(({ table, fileNode }) => (fileNode === undefined ? [] : [[table, fileNode]])),
    ),
    blocks: Object.fromEntries(
      messages.flatMap(({ slice, blocks }) => (blocks === undefined ? [] : [[slice, blocks]])),
    ),
  };
}

/** The message of one slice, as it was sent. */
export function unpackMessage(
  { run, generation, messages }: { run: RunId; generation: string; messages: PlannedMessages },
  { slice, table, full }: PlannedSlice,
): ExtractMessage {
  const { identity, plannedXmax, plannedLsn, newRows } = messages;
  const [blocks, fileNode] = [messages.blocks[slice], messages.fileNodes[table]];
  return {
    ...{ version: 1, run, slice, table, generation, identity, plannedXmax },
    ...(plannedLsn && { plannedLsn }),
    ...(!full && newRows && { newRows }),
    ...(blocks && fileNode && { blocks, fileNode }),
  };
}

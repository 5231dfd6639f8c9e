import type { SQSClient } from '@aws-sdk/client-sqs';
import type pg from 'pg';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { QueueKind } from '../../shared/queue/queue-settings.ts';
import type { DeadLetter } from './dead-letter.ts';

/** What the operator's commands work on: a data folder's stack, or a deployed stage. */
export interface OperatorTarget {
  sqs: Pick<SQSClient, 'send'>;
  ingested: ObjectStore;
  processed: ObjectStore;
  queueUrl(kind: QueueKind): string;
  deadLetterUrl(kind: QueueKind): string;
  /** Connects to the warehouse; the caller ends the client. */
  warehouse(): Promise<pg.Client>;
  /** The schema of the star schema's tables. */
  warehouseSchema: string;
  /** Connects to the source; absent where it cannot be reached from here. The caller ends the client. */
  source?(): Promise<pg.Client>;
  /** All dead letters of the three queues, oldest first; they stay where they are. */
  listDeadLetters(): Promise<DeadLetter[]>;
  /** How long a receive waits for a message, in seconds: 1 where a queue is spread over servers, 0 where it is not. */
  receiveWaitSeconds: number;
  /** When the oldest message of a queue was sent; undefined for an empty queue, or where nobody can know. */
  oldestSentAt(queueUrl: string): Promise<Date | undefined>;
  /** What the user adds to a command for it to work on this target, such as ` --data DIR`; empty for the default. */
  selector: string;
  /** Who takes the messages that a command has sent, as a sentence. */
  takenBy: string;
}

/** A target that was opened for one command. */
export interface OpenedTarget extends OperatorTarget {
  /** Stops what was started for it; leaves alone what runs elsewhere. */
  release(): Promise<void>;
}

/** A command line that the operator can paste. */
export const commandFor = ({ selector }: Pick<OperatorTarget, 'selector'>, command: string): string =>
  `npx starlift ${command}${selector}`;

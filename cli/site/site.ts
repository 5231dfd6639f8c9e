import type { SQSClient } from '@aws-sdk/client-sqs';
import type pg from 'pg';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { QueueKind } from '../../shared/queue/queue-settings.ts';
import type { PlannedRun } from '../../shared/records/run-record.ts';
import type { WaitingRows } from '../../shared/warehouse/count-waiting.ts';
import type { LedgerCount } from '../run/tally.ts';
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

/** Where a run takes place: the embedded stack with its services at work, or a deployed stage. */
export interface RunSite {
  ingested: Pick<ObjectStore, 'head'>;
  processed: ObjectStore;
  /** Open for as long as the site is. */
  readonly warehouse: pg.Client;
  /** The schema of the star schema's tables. */
  warehouseSchema: string;
  /** Connects to the warehouse once more; the caller ends the client. */
  connectWarehouse(): Promise<pg.Client>;
  /** What the user adds to a command for it to work on this site, such as ` --data DIR`; empty for the default. */
  selector: string;
  /** Runs the plan function. */
  plan(): Promise<PlannedRun>;
  /** Whether everything that was planned has reached the warehouse or is accounted for. */
  isDone(planned: PlannedRun): Promise<boolean>;
  /** Whether to plan once more before that; absent where a schedule does. */
  needsPlan?(): boolean;
  /** How long to wait between two such questions, in milliseconds. */
  lookEveryMs: number;
  /** What has been loaded since the last report ended, by warehouse table. */
  countLoaded(): Promise<LedgerCount[]>;
  /** What is loaded from here on counts for the next report. */
  endReport(): Promise<void>;
  countWaiting(): Promise<WaitingRows[]>;
  /** All that has failed for good, of earlier runs too, and where nothing but its record is left. */
  listDeadLetters(): Promise<DeadLetter[]>;
  /** Told when the run is done and its failures are listed; absent where it is not needed. */
  noteThrough?(run: string): void;
}

import type { SQSClient } from '@aws-sdk/client-sqs';
import type pg from 'pg';
import type { WaitingRows } from '../../shared/ledger/count-waiting.ts';
import type { Model } from '../../shared/model/model.ts';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { OldVersions } from '../../shared/object-store/old-versions.ts';
import type { QueueKind } from '../../shared/queue/queue-settings.ts';
import type { PlannedRun } from '../../shared/records/plan/run-record.ts';
import type { Activity } from './activity.ts';
import type { DeadLetter } from './dead-letter.ts';
import type { LedgerCount } from './ledger.ts';

/** Where the pipeline runs: the stack of a data folder, or a deployed stage. Every command works on one. */
export interface Site {
  /** The model that is in force there. */
  model: Model;
  sqs: Pick<SQSClient, 'send'>;
  ingested: ObjectStore;
  processed: ObjectStore;
  /** What S3 keeps of objects that were replaced or deleted; absent where it keeps nothing. */
  oldVersions?: { ingested: OldVersions; processed: OldVersions };
  queueUrl(kind: QueueKind): string;
  deadLetterUrl(kind: QueueKind): string;
  /** The caller ends the client. */
  connectWarehouse(): Promise<pg.Client>;
  /** The schema of the star schema's tables. */
  warehouseSchema: string;
  /** Absent where the source cannot be reached from here. The caller ends the client. */
  connectSource?(): Promise<pg.Client>;
  /** What of the stage does not work as it was deployed, in a sentence each; absent where that is a process of this machine. */
  listStoppedParts?(): Promise<string[]>;
  /** All dead letters of the three queues, oldest first; they stay where they are. */
  listDeadLetters(): Promise<DeadLetter[]>;
  /** How long a receive waits for a message, in seconds: 1 where a queue is spread over servers, 0 where it is not. */
  receiveWaitSeconds: number;
  /** How long the queues' counts have to say that no message is in hand until that is so, in seconds: 0 where they are exact. */
  quietSeconds: number;
  /** When the oldest message of a queue was sent; undefined for an empty queue, or where it cannot be known. */
  oldestSentAt(queueUrl: string): Promise<Date | undefined>;
  activity: Activity;
  /** What the user adds to a command for it to work on this site, such as ` --data DIR`; empty for the default. */
  selector: string;
  /** The same to a command that connects to no database; undefined where it is that one. */
  stageSelector?: string;
  /** A sentence that says who handles the messages that a command has sent. */
  takenBy: string;
}

/** A site that was opened for one command. */
export interface OpenedSite extends Site {
  /** Stops what was started for it, and nothing else. */
  release(): Promise<void>;
}

/** A site with its services running, for one run: what it plans is followed to its end. */
export interface RunnableSite extends Site {
  /** Open for as long as the site is. */
  readonly warehouse: pg.Client;
  /** Runs the plan function. */
  plan(): Promise<PlannedRun>;
  /** Whether everything that was planned has reached the warehouse or is accounted for. */
  isDone(planned: PlannedRun): Promise<boolean>;
  /** Whether to plan once more before that; absent where a schedule does. */
  needsPlan?(): boolean;
  /** Sends what was found to be due again once all else is loaded; absent where a schedule does. @returns how many */
  sendDue?(): Promise<number>;
  /** How many messages are done; absent where only their traces show it. */
  countDone?(): number;
  /** Whether messages are left, and all of them wait for their next attempt; absent where it cannot be known. */
  isHeldUp?(): boolean;
  /** How long to wait between two such questions, in milliseconds. */
  lookEveryMs: number;
  /** What has been loaded since the last report ended, by warehouse table. */
  countLoaded(): Promise<LedgerCount[]>;
  /** What is loaded from here on counts for the next report. */
  endReport(): Promise<void>;
  countWaiting(): Promise<WaitingRows[]>;
  /** Called when the run is done and its failures are listed; absent where it is not needed. */
  noteDrained?(run: string): void;
}

/** `starlift resume` for this site: a command of the stage alone. */
export const resumeCommandFor = ({ selector, stageSelector = selector }: ResumableSite): string =>
  `npx starlift resume${stageSelector}`;
export type ResumableSite = Pick<Site, 'selector' | 'stageSelector'>;

/** The command of a first run: a clone without databases of the user's own shows the sample shop. */
export const beginCommandFor = (site: Pick<Site, 'selector'>): string =>
  site.selector === '' ? 'npm start' : commandFor(site, 'run');

/** A command line for this site that the operator can paste. */
export const commandFor = ({ selector }: Pick<Site, 'selector'>, command: string): string =>
  `npx starlift ${command}${selector}`;

import type pg from 'pg';
import type { ObjectStore } from '../../shared/object-store/object-store.ts';
import type { PlannedRun } from '../../shared/records/run-record.ts';
import type { WaitingRows } from '../../shared/warehouse/count-waiting.ts';
import type { DeadLetter } from '../operator/dead-letter.ts';
import type { LedgerCount } from './tally.ts';

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

import type { AsOf } from '../../../shared/ledger/as-of.ts';
import type { LedgerGap } from '../../../shared/ledger/continuity.ts';
import type { WaitingRows } from '../../../shared/ledger/count-waiting.ts';
import type { DroppedRows } from '../../../shared/ledger/dropped-rows.ts';
import type { Activity } from '../../site/activity.ts';
import type { ExplainedWait } from '../../waiting/explain-waits.ts';
import type { RefusedRows } from '../../waiting/refused-rows.ts';
import type { Answer } from './ask.ts';
import type { ObjectsEvidence } from './read-objects.ts';
import type { QueuesEvidence } from './read-queues.ts';
import type { SourceEvidence } from './read-source.ts';
import type { CountsEvidence, LedgerEvidence } from './read-warehouse.ts';

/** What each part of the pipeline has said; each was asked on its own. */
export interface Evidence {
  now: Date;
  activity: Activity;
  /** How old the warehouse may be; undefined where nothing says so. */
  maxLagSeconds: number | undefined;
  objects: Answer<ObjectsEvidence>;
  queues: Answer<QueuesEvidence>;
  source: Answer<SourceEvidence>;
  /** What the ledger lacks of what is remembered; undefined where it lacks nothing, or is not there. */
  gap: Answer<LedgerGap | undefined>;
  /** Its value is undefined where the warehouse has no ledger. */
  ledger: Answer<LedgerEvidence | undefined>;
  counts: Answer<CountsEvidence>;
  /** What was discarded and nothing has brought since. */
  dropped: Answer<DroppedRows[]>;
  waits: Answer<WaitsEvidence>;
  /** Rows in quarantine by warehouse table. */
  quarantined: Answer<ReadonlyMap<string, number>>;
  /** Those of them that the source does not have any more; undefined where that was not asked. */
  gone?: Answer<ReadonlyMap<string, number>> | undefined;
  /** What of a stage does not work as it was deployed; undefined where it is no stage. */
  stoppedParts?: Answer<readonly string[]> | undefined;
  /** As of when the tables are, where the stage has said so itself. */
  seenAsOf?: ReadonlyMap<string, AsOf> | undefined;
}

export interface WaitsEvidence {
  counts: WaitingRows[];
  /** undefined where only the counts are known. */
  waiting: ExplainedWait[] | undefined;
  refused: RefusedRows[];
}

export const ifAnswered = <T>(answer: Answer<T>): T | undefined =>
  answer.answered ? answer.value : undefined;

/** Whether messages are on the queues; false where that is not known. */
export const isBusy = ({ queues }: Pick<Evidence, 'queues'>): boolean =>
  ifAnswered(queues)?.queues.some(({ ready, inFlight }) => ready + inFlight > 0) ?? false;

/** Whether anything was ever loaded; true where the warehouse does not say. */
export const isLoaded = ({ ledger, objects }: Pick<Evidence, 'ledger' | 'objects'>): boolean =>
  !ledger.answered || (ledger.value?.tables.size ?? 0) > 0 || (ifAnswered(objects)?.loaded?.entries ?? 0) > 0;

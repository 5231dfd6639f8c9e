import type { Model } from '../../../shared/model/model.ts';
import type { RunId } from '../../../shared/object-store/object-key.ts';
import type { CaptureState } from '../../../shared/records/plan/capture-state.ts';
import type { BlockRange, ExtractMessage, NewRows } from '../../../shared/records/plan/extract-message.ts';
import type { FollowedSlice } from '../../../shared/records/plan/slices.ts';
import type { Statements } from '../source/statements.ts';
import type { UsableTable } from '../source/tables.ts';
import type { WalSummaries } from '../source/wal-summaries.ts';
import type { LookByExtracts } from './look/by-extracts.ts';
import type { QuietRules } from './look/choose-look.ts';
import type { SliceOptions } from './look/slice-table.ts';

export interface PlanContext {
  run: RunId;
  /** What the last plan left. */
  state: CaptureState;
  /** Tables that were requested in full. */
  resynced: ReadonlySet<string>;
  model: Model;
  /** Of the published model. */
  modelNumber?: number;
  plannedXmax: string;
  /** On a standby. */
  plannedLsn?: string;
  slicing: SliceOptions;
  looking: LookOptions;
  /** Whether a slice that was sent before is extracted, or has failed for good. */
  isExtracted(slice: FollowedSlice): Promise<boolean>;
  /** Whether an extract has skipped a slice that was to be read by an index. */
  isSkipped(slice: Pick<FollowedSlice, 'run' | 'slice'>): Promise<boolean>;
}

export interface LookOptions {
  now: Date;
  /** By table, read before the snapshot that the looks follow. */
  counters: ReadonlyMap<string, string>;
  quiet: QuietRules;
  /** Every table is looked at. */
  isExact: boolean;
  /** How long after rows that join none were asked for they are asked for again at the earliest. */
  unmatchedFloorSeconds: number;
  /** What was in progress when this plan asked, as far as it is listed. */
  inProgress: readonly string[];
  /** What the summaries of the source's log name, asked once; undefined where there are none. */
  readSummaries(source: Statements): Promise<WalSummaries | undefined>;
  /** What has become of a look that the extracts of a run do. */
  followLook(of: { table: string; run: RunId }): Promise<LookByExtracts>;
}

/** What all messages of one table's plan have in common. */
export function envelopeOf(
  table: string,
  {
    run,
    state,
    plannedXmax,
    plannedLsn,
    modelNumber,
  }: Pick<PlanContext, 'run' | 'state' | 'plannedXmax' | 'plannedLsn' | 'modelNumber'>,
): Omit<ExtractMessage, 'slice'> {
  const { generation, identity } = state;
  return {
    version: 1,
    run,
    table,
    generation,
    identity,
    plannedXmax,
    ...(plannedLsn && { plannedLsn }),
    ...(modelNumber !== undefined && { model: modelNumber }),
  };
}

export function messageOf(
  { table, relation }: UsableTable,
  newRows: NewRows | undefined,
  blocks: BlockRange | undefined,
  context: PlanContext,
): Omit<ExtractMessage, 'slice'> {
  return {
    ...envelopeOf(table.name, context),
    ...(newRows && { newRows }),
    ...(blocks && { blocks, fileNode: relation.fileNode }),
  };
}

/**
 * - `unanswered`: a part of the pipeline does not answer, or a side is out
 * - `plan`: the last plan failed
 * - `not running`: nobody plans or moves messages
 * - `stopped`: parts of the stage do not work as they were deployed
 * - `paused`: an operator has paused the stage
 * - `not loaded`: no plan has ever succeeded, and the warehouse has nothing
 * - `late`: older than it may be
 * - `clock`: the last plan is dated in the future, so nothing says how old the warehouse is
 * - `went back`: the ledger has lost entries
 * - `missing`, `emptied`, `rebuilding`: a star table does not hold what was loaded into it
 * - `forbidden`: a star table that the connection's role may not read
 * - `view`: a view of current rows is missing, or is not as the model wants it
 * - `failed`: dead letters
 * - `locked`: somebody holds a table of the source
 * - `retrying`: messages that have failed and are tried again
 * - `lost`: planned, and on no queue
 * - `different`: the last verification found rows lost or different
 * - `dropped`: discarded by an operator, and its rows are not in the warehouse
 * - `held`: a census that lacks too many keys
 * - `unmarked`: deleted rows are not marked, or not yet
 * - `forgetting`: a row whose forgetting did not end
 * - `damaged`: a record in S3
 */
export type TroubleKind =
  | 'unanswered'
  | 'plan'
  | 'not running'
  | 'stopped'
  | 'paused'
  | 'not loaded'
  | 'late'
  | 'clock'
  | 'went back'
  | 'missing'
  | 'emptied'
  | 'forbidden'
  | 'rebuilding'
  | 'view'
  | 'failed'
  | 'cannot be extracted'
  | 'locked'
  | 'retrying'
  | 'lost'
  | 'different'
  | 'dropped'
  | 'held'
  | 'unmarked'
  | 'forgetting'
  | 'damaged'
  | 'quarantined'
  | 'waiting'
  | 'refused';

/** Something that needs attention, and the command that fixes it or shows more. */
export interface Trouble {
  kind: TroubleKind;
  /** null where it concerns several tables, or none. */
  table: string | null;
  text: string;
  command: string;
}

/** Whether somebody plans and moves messages on a site. */
export interface Activity {
  /** A process holds the data folder, or a stage has its schedule. */
  isRunning: boolean;
  /** Of the process that runs, or of the last one where it ended unexpectedly. */
  pid: number | undefined;
  endedUnexpectedly: boolean;
  /** Between the plans of a watch, or of a stage's schedule; undefined where nothing plans by itself. */
  everySeconds: number | undefined;
  /** ISO 8601: since when an operator has paused the stage. */
  pausedSince?: string | undefined;
}

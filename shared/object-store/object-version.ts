import { TerminalError } from '../errors.ts';

/**
 * How new an object's rows are: the snapshot in which its own extract read them. Compared from left to right.
 * All are decimal digits of an int8; xids are 64 bits wide (xid8).
 */
export interface ObjectVersion {
  /** Goes up when the source's identity changes, for xids start anew then. */
  generation: string;
  /** pg_snapshot_xmax: the first xid not yet assigned as complete. */
  xmax: string;
  /** pg_snapshot_xmin: at one xmax, the snapshot with the higher xmin is the later one. */
  xmin: string;
  /** On a primary minus the number of xids in progress, on a standby the replay LSN as a number. */
  tie: string;
}

const pattern = /^(\d+):(\d+):(\d+):(-?\d+)$/;

export const formatObjectVersion = ({ generation, xmax, xmin, tie }: ObjectVersion): string =>
  `${generation}:${xmax}:${xmin}:${tie}`;

/** @throws {TerminalError} the text is no version */
export function parseObjectVersion(text: string): ObjectVersion {
  const [, generation, xmax, xmin, tie] = pattern.exec(text) ?? [];
  if (generation === undefined || xmax === undefined || xmin === undefined || tie === undefined) {
    throw new TerminalError(`not an object version: ${JSON.stringify(text)}`);
  }
  return { generation, xmax, xmin, tie };
}

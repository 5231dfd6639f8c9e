import type { Status } from '../../cli/status/status.ts';

/** What is asked of `status --json`. */
export type AskedStatus = Pick<Status, 'ok'> & {
  queues: Pick<Status['queues'][number], 'ready' | 'inFlight'>[];
};

/** What status says of a warehouse that differs from its source. */
export type Judgement = 'in flight' | 'told' | 'silent';

/** @param status asked after the comparison, and not told of it */
export function judge(status: AskedStatus): Judgement {
  if (countInFlight(status) > 0) return 'in flight';
  return status.ok ? 'silent' : 'told';
}

/**
 * Makes the error of a comparison that differs. Something is wrong without anybody being told where status is green and
 * nothing is on its way that could still mend it: then the error says that before all else.
 *
 * @param status asked after the comparison, and not told of it
 */
export function makeDifferenceError(found: unknown, status: AskedStatus | undefined): Error {
  const differences = `source and warehouse differ:\n${JSON.stringify(found, undefined, 2)}`;
  if (status === undefined) return new Error(differences);
  return new Error(
    judge(status) === 'silent'
      ? `SILENTLY WRONG: status is green, nothing is in flight, and ${differences}`
      : `status ${status.ok ? 'is green' : 'is red'}, ${countInFlight(status)} messages are in flight; ${differences}`,
  );
}

const countInFlight = ({ queues }: AskedStatus): number =>
  queues.reduce((sum, queue) => sum + queue.ready + queue.inFlight, 0);

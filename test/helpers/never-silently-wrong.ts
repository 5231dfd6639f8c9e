import type { Status } from '../../cli/status/status.ts';

/** What is asked of `status --json`. */
export type AskedStatus = Pick<Status, 'ok'> & {
  queues: Pick<Status['queues'][number], 'ready' | 'inFlight'>[];
};

/**
 * Makes the error of a comparison that differs. Something is wrong without anybody being told where status is green and
 * nothing is on its way that could still mend it: then the error says that before all else.
 *
 * @param status asked after the comparison, and not told of it
 */
export function makeDifferenceError(found: unknown, status: AskedStatus | undefined): Error {
  const differences = `source and warehouse differ:\n${JSON.stringify(found, undefined, 2)}`;
  if (status === undefined) return new Error(differences);
  const inFlight = status.queues.reduce((sum, queue) => sum + queue.ready + queue.inFlight, 0);
  const isSilent = status.ok && inFlight === 0;
  return new Error(
    isSilent
      ? `SILENTLY WRONG: status is green, nothing is in flight, and ${differences}`
      : `status ${status.ok ? 'is green' : 'is red'}, ${inFlight} messages are in flight; ${differences}`,
  );
}

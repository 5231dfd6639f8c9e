import type { FailureGroup } from '../../../cli/failures/list-failures.ts';
import type { Redriven } from '../../../cli/failures/redrive.ts';
import type { OperatedStack } from './operated-stack.ts';

export interface Failures {
  ok: boolean;
  failures: FailureGroup[];
}

export interface Redrive {
  redriven: Redriven[];
}

/** The commands on what has failed, with --json. */
export const failureCommands = (stack: () => OperatedStack) => ({
  failures: (...args: string[]) => stack().json<Failures>('failures', ...args),
  redrive: (...args: string[]) => stack().json<Redrive>('redrive', ...args),
});

export const outcomes = ({ redriven }: Redrive) =>
  redriven.map(({ queue, table, outcome }) => [queue, table, outcome]);

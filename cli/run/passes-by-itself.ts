import { toPipelineError } from '../../shared/classify-error.ts';
import { TransientError } from '../../shared/errors.ts';
import { InvocationError } from '../embedded/workers/invocation-error.ts';
import { UsageError } from '../usage-error.ts';

/** Whether what a run failed of is worth another look, where it had its databases before. */
export function passesByItself(error: unknown): boolean {
  // A database that cannot be had: when the work began it could.
  if (error instanceof UsageError) return true;
  if (error instanceof InvocationError) return error.errorType === TransientError.name;
  // What pg says of a query on a connection that was lost before it.
  if (error instanceof Error && error.message.includes('not queryable')) return true;
  return toPipelineError(error) instanceof TransientError;
}

import { UsageError } from '../../terminal/usage-error.ts';

/** A question of the page. */
export interface ApiRequest {
  parameters: URLSearchParams;
  /** Of a POST. */
  body: unknown;
  /** Aborts when the page does not wait any longer. */
  signal: AbortSignal;
}

/** What the console was not started for. */
export class ForbiddenError extends UsageError {}

/** @throws {UsageError} the page has left it out */
export function required({ parameters }: ApiRequest, name: string): string {
  const value = parameters.get(name);
  if (value === null || value === '') throw new UsageError(`${name} is missing`);
  return value;
}

import type { MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';
import type { TableMetrics } from '../metrics.ts';

/** Middleware: what an invocation has counted is written at its end, a failed one's too. */
export function withMetrics(
  metrics: Pick<TableMetrics, 'flush'>,
): MiddlewareObj<unknown, unknown, Error, Context> {
  const flush = () => metrics.flush();
  return { after: flush, onError: flush };
}

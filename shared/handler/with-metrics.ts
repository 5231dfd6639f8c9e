import type { MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';
import type { TableMetrics } from '../metrics.ts';

/** Middleware: writes what an invocation counted when it ends, even if it fails. */
export function withMetrics(
  metrics: Pick<TableMetrics, 'flush'>,
): MiddlewareObj<unknown, unknown, Error, Context> {
  const flush = () => metrics.flush();
  return { after: flush, onError: flush };
}

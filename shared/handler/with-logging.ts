import type { Logger } from '@aws-lambda-powertools/logger';
import type { MiddlewareObj } from '@middy/core';
import type { Context } from 'aws-lambda';

/** Middleware: every line carries the request id of its invocation; an error that ends the invocation is logged once. */
export function withLogging(logger: Logger): MiddlewareObj<unknown, unknown, Error, Context> {
  return {
    before: ({ context }) => {
      logger.addContext(context);
    },
    after: () => {
      logger.resetKeys();
    },
    onError: ({ error }) => {
      logger.error('the invocation failed', { error: error ?? new Error('unknown') });
      logger.resetKeys();
    },
  };
}

import { LogFormatter, Logger, LogItem } from '@aws-lambda-powertools/logger';
import type { LogAttributes, UnformattedAttributes } from '@aws-lambda-powertools/logger/types';
import { PipelineError } from './errors.ts';
import { describeServerError, isServerError } from './postgres/server-error.ts';

/** Structured JSON lines, one per event. Nothing secret and no row's values go into it. */
export const makeLogger = (service: string): Logger =>
  new Logger({ serviceName: `starlift-${service}`, logFormatter: new ValueFreeFormatter() });

/**
 * Writes log lines as Powertools does, without the properties of an error that may hold a row's values: Powertools logs
 * all properties, and pg's errors have the failing row in `detail` and `where`.
 */
class ValueFreeFormatter extends LogFormatter {
  formatAttributes(
    { logLevel, message, timestamp, serviceName, lambdaContext, xRayTraceId }: UnformattedAttributes,
    additional: LogAttributes,
  ): LogItem {
    const attributes = {
      level: logLevel,
      message,
      timestamp: this.formatTimestamp(timestamp),
      service: serviceName,
      cold_start: lambdaContext?.coldStart,
      function_name: lambdaContext?.functionName,
      function_request_id: lambdaContext?.awsRequestId,
      xray_trace_id: xRayTraceId,
    };
    return new LogItem({ attributes }).addAttributes(additional);
  }

  override formatError(error: Error): LogAttributes {
    const { name, message, stack = '', cause } = error;
    const text = withoutValues(error);
    const subject = error instanceof PipelineError ? { table: error.table, key: error.key } : {};
    // The stack begins with the message.
    const frames = stack.slice(stack.startsWith(`${name}: ${message}`) ? `${name}: ${message}`.length : 0);
    return {
      name,
      location: this.getCodeLocation(stack),
      message: text,
      ...subject,
      stack: `${name}: ${text}${frames.slice(frames.indexOf('\n    at '))}`,
      cause: cause instanceof Error ? this.formatError(cause) : undefined,
    };
  }
}

/** JSON.parse quotes its input in its message. */
function withoutValues(error: Error): string {
  if (isServerError(error)) return describeServerError(error);
  return error instanceof SyntaxError ? error.message.replace(/".*"/s, '"…"') : error.message;
}

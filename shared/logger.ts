import { Logger } from '@aws-lambda-powertools/logger';
import { ValueFreeFormatter } from './log-formatter.ts';

/** Structured JSON lines, one per event. Nothing secret and no row's values go into it. */
export const makeLogger = (service: string): Logger =>
  new Logger({ serviceName: `starlift-${service}`, logFormatter: new ValueFreeFormatter() });

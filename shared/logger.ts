import { Logger } from '@aws-lambda-powertools/logger';

/** Structured JSON lines, one per event. Nothing secret and no row's values go into it. */
export const makeLogger = (service: string): Logger => new Logger({ serviceName: `starlift-${service}` });

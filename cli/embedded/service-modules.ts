import type { QueueKind } from '../../shared/queue/queue-settings.ts';

// .ts in a clone, .js in an installed package.
const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'));
const moduleAt = (path: string): string => new URL(`../../${path}${extension}`, import.meta.url).href;

export const sweepOf = <K extends QueueKind>(kind: K) => `sweep-${kind}` as const;

/** The services' functions, and the modules that export their handlers. */
export const handlers: Record<'plan' | QueueKind | ReturnType<typeof sweepOf>, string> = {
  plan: moduleAt('services/ingestion/plan.handler'),
  extract: moduleAt('services/ingestion/extract.handler'),
  transform: moduleAt('services/transformation/handler'),
  load: moduleAt('services/loading/handler'),
  'sweep-extract': moduleAt('services/ingestion/sweep.handler'),
  'sweep-transform': moduleAt('services/transformation/sweep.handler'),
  'sweep-load': moduleAt('services/loading/sweep.handler'),
};

/** What the handlers import, and what reads no environment; the plan's first. For speed alone. */
export const preload: readonly string[] = [
  ...['shared/aws-clients', 'shared/handler/with-database', 'services/ingestion/plan'],
  ...['shared/star-schema/star-schema', 'shared/logger', 'shared/metrics', 'shared/handler/sqs-records'],
  ...['services/ingestion/extract', 'services/ingestion/failed-slices'],
  ...['services/transformation/transform-message', 'services/transformation/sweep'],
  ...['services/loading/load-message', 'services/loading/sweep', 'shared/sweep/run-sweep'],
].map(moduleAt);

import type { QueueKind } from '../../shared/queue/queue-settings.ts';
import { moduleAt } from './workers/module-at.ts';

export const sweepOf = <K extends QueueKind>(kind: K) => `sweep-${kind}` as const;

/** The services' functions, and the modules that export their handlers. */
export const handlers: Record<'plan' | QueueKind | ReturnType<typeof sweepOf>, string> = {
  plan: moduleAt('services/ingestion/plan/handler'),
  extract: moduleAt('services/ingestion/extract/handler'),
  transform: moduleAt('services/transformation/transform/handler'),
  load: moduleAt('services/loading/load/handler'),
  'sweep-extract': moduleAt('services/ingestion/sweep/handler'),
  'sweep-transform': moduleAt('services/transformation/sweep/handler'),
  'sweep-load': moduleAt('services/loading/sweep/handler'),
};

/** What they import, for a worker to begin with. */
export const preload: readonly string[] = [moduleAt('cli/embedded/workers/preload')];

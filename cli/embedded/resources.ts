import { emptyFolder, toldFolder } from '../../shared/object-store/object-key.ts';
import { type QueueKind, queueKinds, queueName } from '../../shared/queue/queue-settings.ts';

/** The data folder where the user names none. */
export const defaultFolder = '.starlift';

/** The names of what the embedded stack makes: those that a deployed stage `embedded` would have. */
export const stage = 'embedded';

export const buckets = {
  ingested: `starlift-${stage}-ingested`,
  processed: `starlift-${stage}-processed`,
} as const;

export const secretIds = {
  source: `starlift/${stage}/source`,
  warehouse: `starlift/${stage}/warehouse`,
} as const;

export const queueNames = Object.fromEntries(
  queueKinds.map((kind) => [kind, queueName(stage, kind)]),
) as Record<QueueKind, string>;

/** As the lifecycle of services/common.yml has it for a deployed stage. */
export const expiry = [
  { bucket: buckets.ingested, prefix: toldFolder, days: 1 },
  { bucket: buckets.ingested, prefix: emptyFolder, days: 30 },
];

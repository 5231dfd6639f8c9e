import { customMetricAlarm } from './pieces/alarms.ts';
import { batchFailures } from './pieces/batch-failures.ts';
import { checksumOfPut } from './pieces/checksums.ts';
import { failedConditions, racingCreates, racingReplaces } from './pieces/conditional-puts.ts';
import { deadLetters } from './pieces/dead-letters.ts';
import { eventsToQueue, rateRule } from './pieces/events.ts';
import { moveTask } from './pieces/move-task.ts';
import { multipart } from './pieces/multipart.ts';
import { encodedKeys, objectCreated, testEvent } from './pieces/notifications.ts';
import { rotationStages, secretVersions } from './pieces/secrets.ts';
import { versioning } from './pieces/versioning.ts';
import { changedVisibility, visibilityTimeout } from './pieces/visibility.ts';

/** All that the product leans on. */
export const pieces = [
  racingCreates,
  racingReplaces,
  failedConditions,
  checksumOfPut,
  versioning,
  multipart,
  testEvent,
  objectCreated,
  encodedKeys,
  batchFailures,
  visibilityTimeout,
  changedVisibility,
  deadLetters,
  moveTask,
  secretVersions,
  rotationStages,
  eventsToQueue,
  rateRule,
  customMetricAlarm,
] as const;

export type PieceName = (typeof pieces)[number]['name'];

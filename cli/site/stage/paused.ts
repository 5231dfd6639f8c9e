import { pausedKey } from '../../../shared/object-store/object-key.ts';
import type { ObjectStore } from '../../../shared/object-store/object-store.ts';

/** @returns since when an operator has paused the stage, ISO 8601; undefined where it is not paused */
export async function readPausedSince(ingested: Pick<ObjectStore, 'head'>): Promise<string | undefined> {
  const object = await ingested.head(pausedKey);
  return object && (object.metadata.since ?? new Date(0).toISOString());
}

/** @returns whether it was paused already */
export async function notePaused(ingested: Pick<ObjectStore, 'create'>, now: Date): Promise<boolean> {
  const since = now.toISOString();
  const outcome = await ingested.create(pausedKey, Buffer.from(JSON.stringify({ version: 1, since })), {
    since,
  });
  return outcome === 'already there';
}

export const forgetPaused = (ingested: Pick<ObjectStore, 'delete'>): Promise<void> =>
  ingested.delete(pausedKey);

import { parseObjectKey } from '../../shared/object-store/object-key.ts';
import { parseObjectCreated } from '../../shared/queue/object-created.ts';
import { type KnownSlices, makeKnownSlices } from '../../shared/records/slices.ts';
import { type DeadLetter, sliceOf } from '../operator/dead-letter.ts';

/** The slices that dead letters are about: of the extract queue their messages, of the others the objects. */
export function findFailedSlices(
  letters: readonly Pick<DeadLetter, 'queue' | 'body' | 'key'>[],
): KnownSlices {
  const failed = makeKnownSlices();
  for (const { queue, body, key } of letters) {
    const slice = queue === 'extract' ? sliceOf(body) : undefined;
    if (slice !== undefined) failed.add(slice.table, slice);
    for (const text of queue === 'extract' ? [] : keysOf(body, key)) {
      const object = parseKnownKey(text);
      if (object !== undefined) failed.add(object.table, object);
    }
  }
  return failed;
}

/** A handler names the object that failed; where it died on every attempt, the message itself has to. */
function keysOf(body: string, key: string | undefined): string[] {
  if (key !== undefined) return [key];
  try {
    return parseObjectCreated(body).map((object) => object.key);
  } catch {
    // A body that nobody can read is why it is a dead letter.
    return [];
  }
}

function parseKnownKey(text: string) {
  try {
    return parseObjectKey(text);
  } catch {
    return undefined;
  }
}

import type { LoadOptions } from '../../../services/loading/load/load.ts';
import { TransientError } from '../../../shared/errors.ts';
import { type ProcessedKey, parseObjectKey } from '../../../shared/object-store/object-key.ts';
import type { WarehouseUnderTest } from './warehouse-under-test.ts';

/** Loads what is in the queue, as SQS does: what fails transiently comes back. Several may work at one queue. */
export async function drain(
  warehouse: WarehouseUnderTest,
  queue: ProcessedKey[],
  options?: LoadOptions,
): Promise<void> {
  for (let key = queue.shift(); key !== undefined; key = queue.shift()) {
    try {
      await warehouse.load(key, options);
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      queue.push(key);
    }
  }
}

/** Applies the censuses that are due once more, as the sweep does. */
export async function applyDue(warehouse: WarehouseUnderTest): Promise<void> {
  const due = await warehouse.ask(
    'select o.key from starlift.census join starlift.object o using (object_id) where due_since is not null',
  );
  for (const { key } of due)
    await warehouse.load(parseObjectKey(String(key)) as ProcessedKey, { replay: 'due' });
}

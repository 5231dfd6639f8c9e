import { describe, expect, it } from '@jest/globals';
import { RefusedError } from '../../../shared/errors.ts';
import type { ModelDefinition } from '../../../shared/model/define.ts';
import {
  makeModelReader,
  modelKey,
  modelPointerKey,
  publishModel,
  readDefinitionInForce,
} from '../../../shared/records/published-model.ts';
import { type MemoryStore, makeMemoryStore } from '../../helpers/rows/memory-store.ts';

const named = (name: string): ModelDefinition => ({ name, tables: [], lookups: {} });

/** Counts the looks at the pointer, and how often a model itself is read. */
function counting(store: MemoryStore) {
  const counted = { ...store, looks: 0, models: 0 };
  counted.get = (key) => {
    if (key === modelPointerKey) counted.looks += 1;
    else counted.models += 1;
    return store.get(key);
  };
  return counted;
}

describe('publishing a model', () => {
  it('numbers each model that takes another’s place, one that comes back too', async () => {
    const store = makeMemoryStore();
    const first = await publishModel(store, named('a'));
    expect(first).toMatchObject({ number: 1, outcome: 'published' });
    expect(await publishModel(store, named('a'))).toEqual({ ...first, outcome: 'in force already' });
    expect(await publishModel(store, named('b'))).toMatchObject({ number: 2, outcome: 'published' });
    expect(await publishModel(store, named('a'))).toEqual({ ...first, number: 3 });
    expect(await readDefinitionInForce(store)).toEqual(named('a'));
  });

  it('shows the model that it would replace, and leaves it in force where that is refused', async () => {
    const store = makeMemoryStore();
    const seen: string[] = [];
    const accept = ({ name }: ModelDefinition) => {
      seen.push(name);
      throw new Error('it does not fit');
    };
    await publishModel(store, named('a'), accept);
    await publishModel(store, named('a'), accept);
    expect(seen).toEqual([]);
    await expect(publishModel(store, named('b'), accept)).rejects.toThrow('it does not fit');
    expect(seen).toEqual(['a']);
    expect(await readDefinitionInForce(store)).toEqual(named('a'));
  });

  it('compares with the model of another publisher who was faster', async () => {
    const store = makeMemoryStore();
    await publishModel(store, named('a'));
    const seen: string[] = [];
    const accept = ({ name }: ModelDefinition) => void seen.push(name);
    let isFirst = true;
    const raced: MemoryStore = {
      ...store,
      replace: async (...args) => {
        if (isFirst) await publishModel(store, named('b'));
        isFirst = false;
        return store.replace(...args);
      },
    };
    expect(await publishModel(raced, named('c'), accept)).toMatchObject({ number: 3 });
    expect(seen).toEqual(['a', 'b']);
  });

  it('puts a model again that S3 has lost', async () => {
    const store = makeMemoryStore();
    const { hash } = await publishModel(store, named('a'));
    await store.delete(modelKey(hash));
    expect(await publishModel(store, named('a'))).toMatchObject({ number: 1, outcome: 'in force already' });
    expect(await readDefinitionInForce(store)).toEqual(named('a'));
    await store.delete(modelKey(hash));
    expect(await publishModel(store, named('b'))).toMatchObject({ number: 2 });
  });
});

describe('the reader of the model in force', () => {
  it('refuses before a model is published, and says who publishes one', async () => {
    const readModel = makeModelReader(makeMemoryStore());
    await expect(readModel()).rejects.toThrow(RefusedError);
    await expect(readModel()).rejects.toThrow(/starlift run/);
  });

  it('looks at the pointer once for as long as its answer counts', async () => {
    const store = counting(makeMemoryStore());
    await publishModel(store, named('a'));
    const readModel = makeModelReader(store);
    const first = await readModel();
    await publishModel(store, named('b'));
    const looks = store.looks;
    expect(await readModel()).toBe(first);
    expect(store.looks).toBe(looks);
    expect((await makeModelReader(store)()).model.name).toBe('b');
  });

  it('looks again once the answer is too old, and keeps the model where it is the same', async () => {
    const store = makeMemoryStore();
    await publishModel(store, named('a'));
    const readModel = makeModelReader(store, { maxAgeMs: 0 });
    const { model } = await readModel();
    expect((await readModel()).model).toBe(model);
    await publishModel(store, named('b'));
    await publishModel(store, named('a'));
    // The same model under another number: what it made before is not made by an older model.
    const again = await readModel();
    expect(again).toMatchObject({ number: 3 });
    expect(again.model).toBe(model);
  });

  it('has the object read once by all readers of a process', async () => {
    const store = counting(makeMemoryStore());
    await publishModel(store, named('read once'));
    store.models = 0;
    const [first, second] = [await makeModelReader(store)(), await makeModelReader(store)()];
    expect(store).toMatchObject({ models: 1 });
    expect(second.model).toBe(first.model);
    await publishModel(store, named('another'));
    expect((await makeModelReader(store)()).model.name).toBe('another');
  });

  it('looks at once where somebody knows a newer model', async () => {
    const store = makeMemoryStore();
    await publishModel(store, named('a'));
    const readModel = makeModelReader(store);
    await readModel();
    await publishModel(store, named('b'));
    expect((await readModel({ atLeast: 1 })).number).toBe(1);
    expect((await readModel({ atLeast: 2 })).model.name).toBe('b');
  });

  it('goes by the pointer where numbers have begun anew', async () => {
    const store = makeMemoryStore();
    await publishModel(store, named('a'));
    const readModel = makeModelReader(store);
    expect(await readModel({ atLeast: 7 })).toMatchObject({ number: 1, model: { name: 'a' } });
  });
});

import { describe, expect, it } from '@jest/globals';
import { describePublication, publishProject } from '../../../cli/project/publish-project.ts';
import type { ModelDefinition } from '../../../shared/model/define.ts';
import { readDefinitionInForce } from '../../../shared/records/published-model.ts';
import { totesysDefinition } from '../../helpers/models/totesys.ts';
import { makeMemoryStore } from '../../helpers/rows/memory-store.ts';

const shop: ModelDefinition = {
  name: 'shop',
  lookups: {},
  tables: [
    {
      kind: 'dimension',
      name: 'dim_customer',
      source: { table: 'customer', key: ['id'], columns: { id: 'int4' } },
      key: ['id'],
      columns: { id: { type: { name: 'int' }, from: { kind: 'field', field: 'id' }, nullable: false } },
    },
  ],
};
const withKind = (kind: 'dimension' | 'table'): ModelDefinition => ({
  ...shop,
  tables: shop.tables.map((table) => (table.kind === 'dimension' ? { ...table, kind } : table)),
});
const ofFolder = (definition: ModelDefinition) => ({ definition, folder: '/home/me/shop' });

describe('publishing a project', () => {
  it('says in one line which model it published, and that it is in force already', async () => {
    const store = makeMemoryStore();
    const describe = async () =>
      describePublication(await publishProject(store, ofFolder(shop)), ofFolder(shop));
    expect(await describe()).toMatch(/^published model 1 \(shop of \/home\/me\/shop, [0-9a-f]{12}\)$/);
    expect(await describe()).toMatch(
      /^model 1 \(shop of \/home\/me\/shop, [0-9a-f]{12}\) is in force already$/,
    );
  });

  it('refuses a change that would lose rows, and leaves the model in force', async () => {
    const store = makeMemoryStore();
    await publishProject(store, ofFolder(shop));
    await expect(publishProject(store, ofFolder(withKind('table')))).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(
        /\n {4}dim_customer: the kind is dimension in the model in force, and would be table\nstarlift migrate --plan /,
      ),
    });
    expect(await readDefinitionInForce(store)).toEqual(shop);
  });

  it('refuses a model that does not fit together before it is published', async () => {
    const store = makeMemoryStore();
    const broken = { ...shop, tables: [...shop.tables, ...shop.tables] };
    await expect(publishProject(store, ofFolder(broken))).rejects.toMatchObject({ exitCode: 2 });
    expect(store.objects.size).toBe(0);
  });

  it('never puts the sample shop in the place of a model of the user’s own', async () => {
    const store = makeMemoryStore();
    await publishProject(store, ofFolder(shop));
    const sample = { definition: totesysDefinition, folder: undefined };
    await expect(publishProject(store, sample)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining('the model shop stays in force'),
    });
    // A project may have any name.
    expect(await publishProject(store, ofFolder(totesysDefinition))).toMatchObject({ number: 2 });
    expect(await publishProject(store, sample)).toMatchObject({ number: 2, outcome: 'in force already' });
  });
});

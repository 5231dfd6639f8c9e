import { describe, expect, it } from '@jest/globals';
import { ledgerRelations } from '../../../shared/ledger/schema/ledger-relations.ts';
import { dateOf, defineDimension, defineFact, int, timeOf } from '../../../shared/model/define.ts';
import { assembleModel } from '../../../shared/model/model.ts';
import { keysOf } from '../../../shared/warehouse/relation.ts';
import { assertNameLengths, warehouseRelations } from '../../../shared/warehouse/warehouse-schema.ts';
import { calendar } from '../../helpers/models/calendar.ts';
import { totesys } from '../../helpers/models/totesys.ts';

const factOf = (name: string, surrogateKey = 'record_id') =>
  assembleModel({
    name: 'test',
    tables: [
      calendar,
      defineFact({
        name,
        source: { table: 'sale', key: ['id'], columns: { id: 'int4', last_updated: 'timestamp' } },
        key: ['id'],
        versions: ['day', 'time'],
        surrogateKey,
        columns: { id: int('id'), day: dateOf('last_updated'), time: timeOf('last_updated') },
      }),
    ],
  });

const dimensionOf = (name: string) =>
  assembleModel({
    name: 'test',
    tables: [
      calendar,
      defineDimension({
        name,
        source: { table: 'sale', key: ['id'], columns: { id: 'int4' } },
        key: ['id'],
        columns: { id: int('id') },
      }),
    ],
  });

/** The longest name that is made of a fact's, with one letter for the fact's. */
const madeOfOneLetter = [
  ...warehouseRelations(factOf('f'), 'public')
    .flatMap((relation) => keysOf(relation, '1'))
    .flatMap(({ name, index }) => [name, index]),
  ...ledgerRelations(factOf('f')).map(({ name }) => name),
].filter((name) => /(^|_)f(_|$)/.test(name));
const added = Math.max(...madeOfOneLetter.map(({ length }) => length)) - 1;

describe('the names that are made of a table’s', () => {
  it('are more than the table’s own', () => {
    expect(madeOfOneLetter).toContain('parked_f');
    expect(madeOfOneLetter).toContain('f_pkey');
    expect(added).toBe('parked_'.length);
  });

  it('may have as many bytes as Postgres keeps', () => {
    expect(() => assertNameLengths(factOf('f'.repeat(63 - added)))).not.toThrow();
    expect(() => assertNameLengths(dimensionOf('d'.repeat(63)))).not.toThrow();
    expect(() => assertNameLengths(factOf('fact_sale', 's'.repeat(63)))).not.toThrow();
    expect(() => assertNameLengths(totesys)).not.toThrow();
  });

  it('are refused beyond that, with the table and the length', () => {
    const name = 'f'.repeat(64 - added);
    expect(() => assertNameLengths(factOf(name))).toThrow(
      new RegExp(
        `^${name} needs the name \\S+, which has 64 bytes, and Postgres keeps 63: use a name that is 1 byte shorter$`,
      ),
    );
    expect(() => assertNameLengths(dimensionOf('d'.repeat(70)))).toThrow(
      /^the name d{70} has 70 bytes.* 7 bytes shorter/,
    );
    expect(() => assertNameLengths(factOf('fact_sale', 's'.repeat(64)))).toThrow(
      /^fact_sale needs the name s{64}/,
    );
    // Postgres counts bytes, not letters.
    expect(() => assertNameLengths(dimensionOf('ü'.repeat(32)))).toThrow(/64 bytes/);
  });
});

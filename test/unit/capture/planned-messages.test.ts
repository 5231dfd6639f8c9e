import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ExtractMessage } from '../../../shared/records/plan/extract-message.ts';
import { packMessages, unpackMessage } from '../../../shared/records/plan/run-record.ts';
import { formatSliceId } from '../../../shared/records/plan/slices.ts';

const run = '20261125T120000000Zabcd';
const generation = '1764072000';
const xid = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);
const block = fc.nat(2 ** 32 - 1);
/** From few xids: tables that were left out by different plans may begin at the same one, with others in progress. */
const rowsSince = fc.record({
  since: fc.constantFrom('7', '8'),
  inProgress: fc.uniqueArray(fc.constantFrom('3', '5'), { maxLength: 2 }),
});
const blocks = fc.oneof(fc.record({ from: block, to: block }), fc.record({ from: block }));

/** What is a plan's alone: all of its messages have it. */
const plan = fc.record({
  identity: fc.string(),
  plannedXmax: xid,
  plannedLsn: fc.option(fc.constant('1A/2B3C'), { nil: undefined }),
  // A plan of an older version of Starlift has none.
  model: fc.option(fc.nat(), { nil: undefined }),
  newRows: fc.oneof(rowsSince, fc.record({ since: xid, inProgress: fc.array(xid, { maxLength: 3 }) })),
});
/** Tables, some in full, some in several slices. */
const tables = fc.uniqueArray(
  fc.record({
    table: fc.string({ minLength: 1 }),
    full: fc.boolean(),
    // Of a table that plans have left out.
    own: fc.option(rowsSince, { nil: undefined }),
    fileNode: fc.string({ minLength: 1 }),
    ranges: fc.array(fc.option(blocks, { nil: undefined }), { minLength: 1, maxLength: 4 }),
  }),
  { selector: ({ table }) => table, maxLength: 5 },
);

describe('the messages of a plan', () => {
  it('are those of a table whose name every object has, too', () => {
    const message: ExtractMessage = {
      version: 1,
      run,
      slice: formatSliceId(0),
      table: 'constructor',
      generation,
      identity: 'i',
      plannedXmax: '9',
      newRows: { since: '8', inProgress: [] },
    };
    const other = {
      ...message,
      slice: formatSliceId(1),
      table: 'item',
      newRows: { since: '7', inProgress: [] },
    };
    const packed = packMessages([message, other]);
    if (packed === undefined) throw new Error('nothing was packed');
    const slice = { slice: message.slice, table: 'constructor', full: false };
    expect(unpackMessage({ run, generation, messages: packed }, slice)).toEqual(message);
  });

  it('keep apart what is read by an index, also of a table that is looked at in the same plan', () => {
    const look: ExtractMessage = {
      version: 1,
      run,
      slice: formatSliceId(0),
      table: 'item',
      generation,
      identity: 'i',
      plannedXmax: '9',
      newRows: { since: '5', inProgress: ['3'] },
    };
    const byIndex: ExtractMessage = {
      ...look,
      slice: formatSliceId(1),
      newRows: { since: '8', inProgress: [] },
      index: { column: 'last_updated', from: '2026-11-25 12:00:00.000000' },
    };
    const messages = packMessages([look, byIndex]);
    if (messages === undefined) throw new Error('nothing was packed');
    expect(messages.newRows).toEqual(look.newRows);
    for (const message of [look, byIndex]) {
      const slice = { slice: message.slice, table: 'item', full: false };
      expect(unpackMessage({ run, generation, messages }, slice)).toEqual(message);
    }
  });

  it('are what its record makes of them again', () => {
    fc.assert(
      fc.property(plan, tables, ({ identity, plannedXmax, plannedLsn, model, newRows }, planned) => {
        const messages = planned
          .flatMap(({ table, full, own, fileNode, ranges }) =>
            ranges.map(
              (range): Omit<ExtractMessage, 'slice'> => ({
                version: 1,
                run,
                table,
                generation,
                identity,
                plannedXmax,
                ...(plannedLsn && { plannedLsn }),
                ...(model !== undefined && { model }),
                ...(!full && { newRows: own ?? newRows }),
                ...(range && { blocks: range, fileNode }),
              }),
            ),
          )
          .map((message, index): ExtractMessage => ({ ...message, slice: formatSliceId(index) }));
        const packed = packMessages(messages);
        const stored = packed && JSON.parse(JSON.stringify(packed));
        expect(
          messages.map(({ slice, table, newRows: rows }) =>
            unpackMessage({ run, generation, messages: stored }, { slice, table, full: rows === undefined }),
          ),
        ).toEqual(messages);
      }),
    );
  });

  it('have no record where there are none', () => {
    expect(packMessages([])).toBeUndefined();
  });
});

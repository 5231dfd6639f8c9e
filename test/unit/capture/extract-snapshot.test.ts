import { describe, expect, it } from '@jest/globals';
import { chooseRows } from '../../../services/ingestion/extract/copy-rows.ts';
import { isAtOrAfterPlan, lsnToNumber, makeVersion } from '../../../services/ingestion/source/snapshot.ts';

describe("an extract's snapshot", () => {
  it.each([
    ['equal to the plan', '100', null, { plannedXmax: '100' }, true],
    ['of more digits', '1000', null, { plannedXmax: '999' }, true],
    ['behind the plan', '99', null, { plannedXmax: '100' }, false],
    [
      'on a standby that has replayed as much',
      '100',
      '0/A0',
      { plannedXmax: '100', plannedLsn: '0/A0' },
      true,
    ],
    ['on a standby that has not', '100', '0/9F', { plannedXmax: '100', plannedLsn: '0/A0' }, false],
    [
      'on a standby, compared as numbers',
      '100',
      '1/0',
      { plannedXmax: '100', plannedLsn: '0/FFFFFFFF' },
      true,
    ],
    ['on a primary, planned on a standby', '100', null, { plannedXmax: '100', plannedLsn: '0/1' }, false],
  ])('%s', (_, xmax, replayLsn, planned, expected) => {
    expect(isAtOrAfterPlan({ xmax }, replayLsn, planned)).toBe(expected);
  });

  it('gives the version: on a primary fewer in progress is later, on a standby a greater LSN', () => {
    const snapshot = { xmax: '20', xmin: '10', inProgressCount: 3 };
    expect(makeVersion('7', snapshot, null)).toEqual({ generation: '7', xmax: '20', xmin: '10', tie: '-3' });
    expect(makeVersion('7', snapshot, '16/B374D848').tie).toBe('97500059720');
  });

  it('reads an LSN as the number of bytes that Postgres takes it for', () => {
    // select '16/B374D848'::pg_lsn - '0/0'
    expect(lsnToNumber('16/B374D848')).toBe(97500059720n);
    expect(lsnToNumber('0/0')).toBe(0n);
  });
});

describe('the rows of a slice', () => {
  const message = { newRows: { since: '100', inProgress: [] }, blocks: { from: 8, to: 16 }, fileNode: 'a' };

  it('are the new ones of its blocks', () => {
    const { newRows, blocks } = message;
    expect(chooseRows(message, 'a', '200', 'public')).toEqual({ schema: 'public', newRows, blocks });
  });

  it('are those of all blocks once the table has another file', () => {
    expect(chooseRows(message, 'b', '200', 'public')).toEqual({ schema: 'public', newRows: message.newRows });
  });

  it('are all of its blocks once xmin does not reach back so far', () => {
    expect(chooseRows(message, 'a', '1000000101', 'public')).toEqual({
      schema: 'public',
      blocks: message.blocks,
    });
  });
});

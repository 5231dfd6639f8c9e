import { describe, expect, it } from '@jest/globals';
import { chooseCandidates, chooseCaptured } from '../../../services/ingestion/plan/captured-xids.ts';
import { isWithinReach, newRowsCondition } from '../../../services/ingestion/source/new-rows.ts';

describe('the xids that a plan asks for', () => {
  it('are those since the last plan, but not below what had finished anyway', () => {
    const previous = { base: '1000', inProgress: ['900', '970'] };
    expect(chooseCandidates({ xmin: '950', xmax: '1200' }, previous)).toEqual({
      from: '1000',
      to: '1200',
      listed: ['970'],
    });
    expect(chooseCandidates({ xmin: '1100', xmax: '1200' }, previous)).toEqual({
      from: '1100',
      to: '1200',
      listed: [],
    });
  });

  it('at the first plan are those since the oldest transaction in progress', () => {
    expect(chooseCandidates({ xmin: '950', xmax: '1200' }, undefined)).toEqual({
      from: '950',
      to: '1200',
      listed: [],
    });
  });

  it('are none when there would be millions', () => {
    expect(chooseCandidates({ xmin: '5', xmax: '2000006' }, undefined)).toBeUndefined();
    expect(chooseCandidates({ xmin: '5', xmax: '2000005' }, undefined)).toBeDefined();
  });
});

describe('what a plan leaves as captured', () => {
  const snapshot = { xmin: '950', xmax: '5000000000' };
  const xids = (count: number) => Array.from({ length: count }, (_, index) => String(1000 + index));

  it('is all below xmax but those in progress, up to a thousand', () => {
    expect(chooseCaptured(snapshot, ['960'])).toEqual({ base: '5000000000', inProgress: ['960'] });
    expect(chooseCaptured(snapshot, xids(1000)).inProgress).toHaveLength(1000);
  });

  it('is all below xmin where the list would be longer, or nobody asked', () => {
    expect(chooseCaptured(snapshot, xids(1001))).toEqual({ base: '950', inProgress: [] });
    expect(chooseCaptured(snapshot, undefined)).toEqual({ base: '950', inProgress: [] });
  });
});

describe('the condition for new rows', () => {
  it('compares the 32 bits of a row with the lower 32 of an xid', () => {
    // 2^32 + 7 and 2^33 + 9
    const newRows = { since: '4294967303', inProgress: ['8589934601'] };
    expect(newRowsCondition(newRows, ['source'], [])).toBe(
      `(age(source.xmin) <= (select age('7'::xid)) and age(source.xmin) >= 0 or source.xmin = any('{9}'::xid[]))`,
    );
  });

  it('reaches a thousand million xids back, in 64 bits', () => {
    const newRows = { since: '4294967303', inProgress: [] };
    expect(isWithinReach(newRows, '5294967303')).toBe(true);
    expect(isWithinReach(newRows, '5294967304')).toBe(false);
    expect(isWithinReach({ ...newRows, since: '7' }, '4294967303')).toBe(false);
  });
});

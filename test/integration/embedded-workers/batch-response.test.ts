import { describe, expect, it } from '@jest/globals';
import { parseBatchResponse } from '../../../cli/embedded/workers/event-source-mapping.ts';

// The conditions as AWS documents them for SQS.
const batch = new Set(['m1', 'm2']);

describe('a partial batch response', () => {
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['an empty object', {}],
    ['a null list', { batchItemFailures: null }],
    ['an empty list', { batchItemFailures: [] }],
  ])('of %s means that all went well', (_, response) => {
    expect(parseBatchResponse(response, batch)).toEqual(new Set());
  });

  it('names the messages that failed', () => {
    const response = { batchItemFailures: [{ itemIdentifier: 'm2' }, { itemIdentifier: 'm2' }] };
    expect(parseBatchResponse(response, batch)).toEqual(new Set(['m2']));
  });

  it.each([
    ['a text', 'ok'],
    ['a list', []],
    ['failures that are no list', { batchItemFailures: 'all' }],
    ['an empty identifier', { batchItemFailures: [{ itemIdentifier: '' }] }],
    ['a null identifier', { batchItemFailures: [{ itemIdentifier: null }] }],
    ['a wrong key', { batchItemFailures: [{ itemIdentifier: 'm1' }, { id: 'm2' }] }],
    ['a message of another batch', { batchItemFailures: [{ itemIdentifier: 'm3' }] }],
    ['a null item', { batchItemFailures: [null] }],
  ])('of %s fails the whole batch', (_, response) => {
    expect(() => parseBatchResponse(response, batch)).toThrow('the response');
  });
});

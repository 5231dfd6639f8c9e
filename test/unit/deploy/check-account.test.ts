import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';

const { findConcurrencyFault } = createRequire(import.meta.url)(
  '../../../scripts/stage/check-account.cjs',
) as typeof import('../../../scripts/stage/check-account.cjs');

const wanted = { extractors: 4, loaders: 8, reserves: true };

describe("the account's concurrency", () => {
  it.each([
    ['of 1000 holds a stage', 1000, 1000, 0],
    ['holds the stage that is deployed again', 117, 100, 17],
    // What a stage needs above the 100 that AWS keeps.
    ['of 117 is just enough', 117, 117, 0],
  ])('%s', (_, limit, unreserved, alreadyReserved) => {
    expect(findConcurrencyFault(wanted, { limit, unreserved, alreadyReserved })).toBeUndefined();
  });

  it('of a new account is refused with what helps', () => {
    const account = { limit: 10, unreserved: 10, alreadyReserved: 0 };
    expect(findConcurrencyFault(wanted, account)).toBe(
      'the account can reserve 0 of its 10 concurrent functions here, and the stage reserves 17 (4 extractors, 8 loaders, 5 others): raise the quota "Concurrent executions" of Lambda (it is free), lower extractors or loaders, or deploy with reserveConcurrency: "false"',
    );
    expect(findConcurrencyFault({ ...wanted, reserves: false }, account)).toMatch(
      /^the account may run 10 functions at a time here, and the stage needs 17/,
    );
    const small = { extractors: 2, loaders: 2, reserves: false };
    expect(findConcurrencyFault(small, account)).toBeUndefined();
  });

  it('has room for the function that deletes old objects, too', () => {
    const account = { limit: 117, unreserved: 117, alreadyReserved: 0 };
    expect(findConcurrencyFault({ ...wanted, expires: true }, account)).toMatch(
      'the stage reserves 18 (4 extractors, 8 loaders, 6 others)',
    );
  });

  it('that other functions have reserved is not there', () => {
    expect(findConcurrencyFault(wanted, { limit: 1000, unreserved: 116, alreadyReserved: 0 })).toMatch(
      'can reserve 16 of its 1000',
    );
  });
});

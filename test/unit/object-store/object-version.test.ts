import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TerminalError } from '../../../shared/errors.ts';
import {
  formatObjectVersion,
  formatProcessedMetadata,
  parseObjectVersion,
  parseProcessedMetadata,
} from '../../../shared/object-store/object-metadata.ts';

const digits = fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String);
const tie = fc.bigInt({ min: -(2n ** 31n), max: 2n ** 63n - 1n }).map(String);
const version = fc.record({ generation: digits, xmax: digits, xmin: digits, tie });

describe('object versions and metadata', () => {
  it('are read back as they were formatted, beyond 2^53 too', () => {
    fc.assert(
      fc.property(version, fc.nat(), fc.nat(), fc.option(fc.nat()), (version, rows, quarantined, number) => {
        expect(parseObjectVersion(formatObjectVersion(version))).toEqual(version);
        // Objects of an older version of Starlift have no model.
        const metadata = { version, rows, quarantined, ...(number !== null && { model: number }) };
        expect(parseProcessedMetadata('k', formatProcessedMetadata(metadata))).toEqual(metadata);
      }),
    );
  });

  it.each(['', '1:2:3', '1:2:3:x', '-1:2:3:4', '1:2:3:4:5'])('refuse the version %j', (text) => {
    expect(() => parseObjectVersion(text)).toThrow(TerminalError);
  });

  it('name the key of an object that Starlift did not put', () => {
    expect(() => parseProcessedMetadata('a/b', { version: '1:2:3:4' })).toThrow(
      expect.objectContaining({ key: 'a/b', message: expect.stringContaining('rows') }),
    );
  });
});

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
const hash = fc.stringMatching(/^[0-9a-f]{64}$/);
const version = fc.record({ generation: digits, xmax: digits, xmin: digits, tie });

describe('object versions and metadata', () => {
  it('are read back as they were formatted, beyond 2^53 too', () => {
    fc.assert(
      fc.property(version, fc.nat(), fc.nat(), fc.option(fc.nat()), fc.option(hash), (...parts) => {
        const [version, rows, quarantined, number, layout] = parts;
        expect(parseObjectVersion(formatObjectVersion(version))).toEqual(version);
        // Objects of an older version of Starlift have no model and no layout.
        const metadata = {
          version,
          rows,
          quarantined,
          ...(number !== null && { model: number }),
          ...(layout !== null && { layout }),
        };
        expect(parseProcessedMetadata('k', formatProcessedMetadata(metadata))).toEqual(metadata);
      }),
    );
  });

  it.each(['', '1:2:3', '1:2:3:x', '-1:2:3:4', '1:2:3:4:5'])('refuse the version %j', (text) => {
    expect(() => parseObjectVersion(text)).toThrow(TerminalError);
  });

  it('refuse a layout that is not a hash, which could name any object', () => {
    const valid = { version: '1:2:3:4', rows: '1', quarantined: '0' };
    expect(() => parseProcessedMetadata('a/b', { ...valid, layout: '../model' })).toThrow(
      expect.objectContaining({ key: 'a/b', message: expect.stringContaining('layout') }),
    );
  });

  it('name the key of an object that Starlift did not put', () => {
    expect(() => parseProcessedMetadata('a/b', { version: '1:2:3:4' })).toThrow(
      expect.objectContaining({ key: 'a/b', message: expect.stringContaining('rows') }),
    );
  });
});

import { describe, expect, it } from '@jest/globals';
import { findRelease } from '../../../scripts/build/release-version.js';

const changelog = `# Changelog

## 0.3.0 (2027-01-31)

What you can do:

- more

## 0.2.0 (2026-11-30)

- less
`;

describe('the version of a release', () => {
  it('is the newest of the changelog, with what that says of it', () => {
    expect(findRelease(changelog, '0.3.0')).toEqual({
      version: '0.3.0',
      notes: 'What you can do:\n\n- more\n',
    });
  });

  it('is refused where package.json has another one, with the command that changes it', () => {
    expect(() => findRelease(changelog, '0.2.0')).toThrow(
      'CHANGELOG.md begins with 0.3.0, and package.json has 0.2.0: type `npm version --no-git-tag-version 0.3.0`',
    );
  });

  it.each(['## Unreleased', '## 0.3.0', '## v0.3.0 (2027-01-31)', '## 0.3 (2027-01-31)'])(
    'is refused while the changelog begins with %s',
    (title) => {
      expect(() => findRelease(changelog.replace('## 0.3.0 (2027-01-31)', title), '0.3.0')).toThrow(
        `CHANGELOG.md begins with "${title}": write "## X.Y.Z (YYYY-MM-DD)"`,
      );
    },
  );

  it('is refused where the changelog has it twice', () => {
    expect(() => findRelease(changelog.replace('0.2.0', '0.3.0'), '0.3.0')).toThrow('has 0.3.0 twice');
  });
});

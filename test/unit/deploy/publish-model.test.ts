import { createRequire } from 'node:module';
import { describe, expect, it } from '@jest/globals';

const { findFolder } = createRequire(import.meta.url)('../../../scripts/stage/publish-model.cjs') as {
  findFolder(environment: Record<string, string>): string;
};

describe('the folder whose project a deploy publishes', () => {
  it.each([
    [{ STARLIFT_PROJECT: '/shop', INIT_CWD: '/clone' }, '/shop'],
    [{ INIT_CWD: '/clone' }, '/clone'],
    [{ STARLIFT_PROJECT: '', INIT_CWD: '/clone' }, '/clone'],
    [{}, process.cwd()],
  ])('of %j is %s', (environment, folder) => {
    expect(findFolder(environment)).toBe(folder);
  });
});

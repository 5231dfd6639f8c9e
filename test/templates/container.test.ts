import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { runHadolint, validateCompose } from './findings.ts';

const pathOf = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));

describe('the container of a watch', () => {
  it('is made by a Dockerfile that hadolint has nothing to say of', async () => {
    expect(await runHadolint(pathOf('Dockerfile'))).toEqual([]);
  });

  it('is started by a compose.yaml that is what its specification asks for', async () => {
    expect(await validateCompose(pathOf('compose.yaml'))).toEqual([]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { findCircles, findFolderCircles, findStrays, parseImports } from '../../../scripts/check/imports.js';

describe('the imports of a file', () => {
  it('are those of values and of types, over several lines, dynamic ones and exports', () => {
    const text = [
      `import { join } from 'node:path';`,
      `import type { A } from './a.ts';`,
      `import {`,
      `  b,`,
      `} from '../b.ts';`,
      `import './c.ts';`,
      `export { d } from './d.ts';`,
      `const load = () => import('./e.ts');`,
      `let f: import('./f.ts').F;`,
      `export const text = 'from';`,
      `export const other = './g.ts';`,
    ].join('\n');
    expect(parseImports(text)).toEqual(['./a.ts', '../b.ts', './c.ts', './d.ts', './e.ts', './f.ts']);
  });
});

describe('import circles', () => {
  const circlesOf = (imports: Record<string, string[]>) => findCircles(new Map(Object.entries(imports)));

  it('are none where imports run one way', () => {
    expect(circlesOf({ a: ['b', 'c'], b: ['c'], c: [] })).toEqual([]);
  });

  it('are named with all of their files and no others', () => {
    const imports = { start: ['a'], a: ['b'], b: ['c', 'end'], c: ['a'], end: [], d: ['e'], e: ['d'] };
    expect(circlesOf(imports)).toEqual([
      ['a', 'b', 'c'],
      ['d', 'e'],
    ]);
  });

  it('include a file that imports itself', () => {
    expect(circlesOf({ a: ['a'] })).toEqual([['a']]);
  });
});

describe('import circles of folders', () => {
  const circlesOf = (imports: Record<string, string[]>) =>
    findFolderCircles(new Map(Object.entries(imports)), 'cli');

  it('are found though no file is in a circle', () => {
    const imports = {
      'cli/a/1.ts': ['cli/b/1.ts'],
      'cli/b/2.ts': ['cli/a/2.ts'],
      'cli/c/1.ts': ['cli/a/1.ts'],
    };
    expect(circlesOf(imports)).toEqual([['cli/a', 'cli/b']]);
  });

  it('are those of a folder and the folder in it that import each other', () => {
    const down = { 'cli/a/1.ts': ['cli/a/in/1.ts'] };
    expect(circlesOf(down)).toEqual([]);
    expect(circlesOf({ ...down, 'cli/a/in/2.ts': ['cli/a/2.ts'] })).toEqual([['cli/a', 'cli/a/in']]);
  });

  it('are none of imports inside one folder, or outside of cli', () => {
    const inside = { 'cli/a/1.ts': ['cli/a/2.ts'], 'cli/a/2.ts': [] };
    const outside = { 'shared/a/1.ts': ['shared/b/1.ts'], 'shared/b/2.ts': ['shared/a/2.ts'] };
    expect(circlesOf({ ...inside, ...outside })).toEqual([]);
  });
});

describe('forbidden test imports', () => {
  it('are those of unit from integration and of golden from unit', () => {
    const imports = new Map([
      ['test/unit/a.test.ts', ['test/helpers/h.ts', 'test/integration/i.ts']],
      ['test/golden/g.test.ts', ['test/unit/u.ts']],
      ['test/integration/b.test.ts', ['test/unit/u.ts', 'test/integration/i.ts']],
    ]);
    expect(findStrays(imports)).toEqual([
      expect.stringMatching(/^test\/unit\/a\.test\.ts imports test\/integration\/i\.ts: /),
      expect.stringMatching(/^test\/golden\/g\.test\.ts imports test\/unit\/u\.ts: /),
    ]);
  });
});

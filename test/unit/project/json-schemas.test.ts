import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';
import type * as z from 'zod';
import { projectGrammar } from '../../../cli/configuration/project-grammar.ts';
import { makeJsonSchemas } from '../../../cli/project/files/json-schemas.ts';
import { tableGrammar } from '../../../cli/project/files/table-grammar.ts';

const root = new URL('../../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

const schemaOf = (name: string): object => JSON.parse(read(`docs/schemas/${name}.schema.json`)) as object;

describe('the JSON Schemas', () => {
  it.each(Object.entries(makeJsonSchemas()))(
    'of %s in docs is what npm run schemas writes',
    (name, schema) => {
      expect(schemaOf(name)).toEqual(JSON.parse(JSON.stringify(schema)));
    },
  );

  it('take the files of models/totesys', () => {
    const files = readdirSync(new URL('models/totesys/tables/', root));
    const isTable = new Ajv2020().compile(schemaOf('table'));
    for (const file of files)
      expect([file, isTable(parse(read(`models/totesys/tables/${file}`)))]).toEqual([file, true]);
    const isProject = new Ajv2020({ allowUnionTypes: true }).compile(schemaOf('starlift'));
    expect(isProject(parse(read('models/totesys/starlift.yml')))).toBe(true);
  });

  it.each([
    ['an unknown key', { fact: 'f', from: 'a', histories: true }],
    ['deletes that there are not', { fact: 'f', from: 'a', deletes: 'drop' }],
    ['two kinds', { fact: 'f', dimension: 'd', from: 'a' }],
    ['no kind', { from: 'a' }],
    ['an unknown key of a column', { fact: 'f', from: 'a', columns: { b: { form: 'c' } } }],
  ])('refuse %s', (_, file) => {
    expect(new Ajv2020().compile(schemaOf('table'))(file)).toBe(false);
  });
});

/** Every key that a grammar has, as a path; `*` stands for names of the user's own. */
function keysOf(schema: z.ZodType, path: string): string[] {
  const { def } = schema as unknown as {
    def: { type: string; innerType?: z.ZodType; valueType?: z.ZodType; shape?: Record<string, z.ZodType> };
  };
  if (def.innerType !== undefined) return keysOf(def.innerType, path);
  if (def.valueType !== undefined) return keysOf(def.valueType, `${path}.*`);
  if (def.shape === undefined) return [path];
  const prefix = path === '' ? '' : `${path}.`;
  return Object.entries(def.shape).flatMap(([key, value]) => keysOf(value, `${prefix}${key}`));
}

describe('docs/model.md', () => {
  /** The first cells of the table below a heading. */
  const documented = (heading: string): string[] => {
    const [, section = ''] = read('docs/model.md').split(`### ${heading}\n`);
    const [table = ''] = section.split(/\n#/);
    return [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, key = '']) => key);
  };

  it.each([
    ['starlift.yml', projectGrammar],
    ['tables/*.yml', tableGrammar],
  ])('has every key of %s, and no other', (heading, grammar) => {
    // docs/deploy.md has those of a stage.
    const keys = keysOf(grammar, '').map((key) => key.replace(/^stages\.\*\.\w+$/, 'stages.*.*'));
    expect(documented(heading).toSorted()).toEqual([...new Set(keys)].toSorted());
  });
});

describe('docs/deploy.md', () => {
  it('has every parameter of a stage with its default, and no other', () => {
    const [, section = ''] = read('docs/deploy.md').split('## 3. Parameters\n');
    const [table = ''] = section.split(/\n## /);
    const rows = [...table.matchAll(/^\| `(\w+)` +\| (.*?) +\|/gm)];
    const { default: defaults } = parse(read('services/stages.yml')) as {
      default: Record<string, string | number>;
    };
    const shown = (value: string | number) => (value === '' ? '' : `\`${value}\``);
    expect(Object.fromEntries(rows.map(([, name, value]) => [name, value]))).toEqual(
      Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, shown(value)])),
    );
    const keys = keysOf(projectGrammar, '').flatMap((key) => /^stages\.\*\.(\w+)$/.exec(key)?.[1] ?? []);
    expect(keys.toSorted()).toEqual(Object.keys(defaults).toSorted());
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readSettings } from '../../../cli/configuration/settings.ts';

/** As the file names an environment variable. */
const variable = (name: string): string => `$\{${name}}`;

describe('where a command works', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'settings-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const writeFile = (text: string) => writeFileSync(join(folder, 'starlift.yml'), text);
  const makeData = (files: Record<string, unknown>): string => {
    const data = join(folder, 'data');
    mkdirSync(data);
    for (const [name, value] of Object.entries(files)) {
      writeFileSync(join(data, name), JSON.stringify(value));
    }
    return data;
  };
  const read = (
    values: Record<string, string | boolean | undefined> = {},
    environment: Record<string, string> = {},
    from = folder,
  ) => readSettings({ values, environment, folder: from });
  const refusal = (promise: Promise<unknown>) =>
    promise.then(
      () => 'not refused',
      (error: Error & { exitCode?: number }) => `${error.exitCode}: ${error.message}`,
    );

  const remembered = { 'connections.json': { source: 'postgres://d', schema: 'public' } };

  // An option before the environment, that before the file, and that before what the folder remembers.
  it.each([
    ['option', { source: 'postgres://o' }, { SOURCE_URL: 'postgres://e' }, true, 'postgres://o'],
    ['environment', {}, { SOURCE_URL: 'postgres://e' }, true, 'postgres://e'],
    ['environment, which may be empty', {}, { SOURCE_URL: '' }, true, 'postgres://f'],
    ['file', {}, {}, true, 'postgres://f'],
    ['data folder', {}, {}, false, 'postgres://d'],
  ])('is said by the %s', async (_, values, environment: Record<string, string>, hasFile, source) => {
    if (hasFile) writeFile('source: { url: postgres://f }\n');
    const data = makeData(remembered);
    // A URL that names no database is enough here: nothing is connected to.
    const options = Object.keys(values).length > 0 ? { source: 'postgres://o/d' } : {};
    const expected = source === 'postgres://o' ? 'postgres://o/d' : source;
    expect(await read({ ...options, data }, environment)).toMatchObject({ source: expected, data });
  });

  it('is found in a folder above, whose own paths it means', async () => {
    writeFile(
      `source: { url: "postgres://${variable('USER_NAME')}@h/s" }\n` +
        'warehouse: { url: postgres://h/w, schema: star }\ndata: lake\nfreshness: 15m\n',
    );
    const below = join(folder, 'a', 'b');
    mkdirSync(below, { recursive: true });
    const environment: Record<string, string> = { USER_NAME: 'reader' };
    expect(await readSettings({ values: {}, environment, folder: below })).toEqual({
      source: 'postgres://reader@h/s',
      warehouse: 'postgres://h/w',
      data: join(folder, 'lake'),
      freshnessSeconds: 900,
      given: {},
      remembered: [],
    });
    expect(environment.WAREHOUSE_SCHEMA).toBe('star');
  });

  it.each([
    ['freshness: 90s', 90],
    ['freshness: 2h', 7200],
    ['freshness: 1 d', 86_400],
  ])('%s is %d seconds', async (text, seconds) => {
    writeFile(text);
    expect(await read()).toMatchObject({ freshnessSeconds: seconds });
  });

  it('is the folder that --project names, with a data folder of its own', async () => {
    writeFile('source: { url: postgres://f }\nfreshness: 15m\n');
    const elsewhere = mkdtempSync(join(tmpdir(), 'elsewhere-'));
    try {
      const settings = await readSettings({ values: { project: folder }, environment: {} });
      expect(settings).toMatchObject({
        source: 'postgres://f',
        data: join(folder, '.starlift'),
        freshnessSeconds: 900,
      });
      // From a folder below it the same one is meant.
      const below = join(folder, 'a');
      mkdirSync(below);
      expect(await read({}, {}, below)).toMatchObject({ data: join(folder, '.starlift') });
      await expect(
        refusal(
          Promise.resolve().then(() => readSettings({ values: { project: elsewhere }, environment: {} })),
        ),
      ).resolves.toBe(`2: --project ${elsewhere} has no starlift.yml: starlift init writes one`);
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('has the freshness of the project that the data folder was run for, outside of any project', async () => {
    const project = join(folder, 'project');
    mkdirSync(project);
    writeFileSync(join(project, 'starlift.yml'), 'freshness: 15m\n');
    const data = makeData({ 'connections.json': { schema: 'public', project } });
    expect(await read({ data })).toMatchObject({ freshnessSeconds: 900 });
    writeFile('freshness: 1h\n');
    expect(await read({ data })).toMatchObject({ freshnessSeconds: 3600 });
  });

  it('needs no variable of a value that something else has said', async () => {
    writeFile(`source: { url: "${variable('NOT_SET')}" }\n`);
    expect(await read({ source: 'postgres://h/s' })).toMatchObject({ source: 'postgres://h/s' });
    expect(await refusal(read())).toBe(
      `2: ${folder}/starlift.yml line 1: source.url needs the environment variable NOT_SET, which is not set`,
    );
  });

  it.each([
    ['source:\n  url: x\nwharehouse:\n  url: y\n', 'line 3: unknown key wharehouse; did you mean warehouse?'],
    ['source:\n  uri: x\n', 'line 2: unknown key source.uri; did you mean source.url?'],
    [
      '\nwarehouse:\n  url: y\n  calender: d\n',
      'line 4: unknown key warehouse.calender; did you mean warehouse.calendar?',
    ],
    ['source: postgres://me:s3cret@h/d\n', 'line 1: source has no keys (there are url, schemas)'],
    ['data: 7\n', 'line 1: data is no text'],
    [
      'data: d\nfreshness: soon\n',
      'line 2: freshness is no duration: use a number with s, m, h or d, such as 15m',
    ],
    [
      '- a\n',
      'line 1: the file has no keys (there are name, source, warehouse, sources, data, stages, freshness, expire)',
    ],
    ['data: a\ndata: b\n', /line [12]: Map keys must be unique$/],
    ['source: { url: "postgres://me:s3cret@h/d\n', /line \d+: [^\n]*$/],
  ])('is refused in %j, with the line', async (text, message) => {
    writeFile(text);
    const refused = await refusal(read());
    const start = `2: ${folder}/starlift.yml `;
    expect(refused.slice(0, start.length)).toBe(start);
    const rest = refused.slice(start.length);
    if (typeof message === 'string') expect(rest).toBe(message);
    else expect(rest).toMatch(message);
    expect(refused).not.toContain('s3cret');
  });

  it('is not guessed where an embedded database and the environment name two', async () => {
    const data = makeData({ 'binding.json': { own: ['warehouse'] } });
    expect(await refusal(read({ data }, { SOURCE_URL: 'postgres://h/s' }))).toBe(
      `2: --data ${data} has an embedded source, and SOURCE_URL names another: choose another folder by --data`,
    );
    const named = await read({ data }, { WAREHOUSE_URL: 'postgres://h/w' });
    expect(named).toMatchObject({ warehouse: 'postgres://h/w' });
  });

  it('is the schema that the folder was loaded into, and no other', async () => {
    const data = makeData({ 'connections.json': { schema: 'star' } });
    const environment: Record<string, string> = {};
    await read({ data }, environment);
    expect(environment.WAREHOUSE_SCHEMA).toBe('star');
    expect(await refusal(read({ data }, { WAREHOUSE_SCHEMA: 'other' }))).toBe(
      `2: --data ${data} loads the schema star, and WAREHOUSE_SCHEMA names other: choose another folder by --data`,
    );
  });

  it('is named again only by a command whose options alone know it', async () => {
    const data = makeData({ 'connections.json': { source: 'postgres://me@h/s', schema: 'public' } });
    const source = 'postgres://me:secret@h/s';
    expect((await read({ data, source })).given).toEqual({});
    const other = 'postgres://me:secret@h2/s';
    expect((await read({ data, source: other })).given).toEqual({ source: other });
  });
});

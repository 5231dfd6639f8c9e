import { describe } from './command-description.ts';
import { consoleOptions, maxLag, project, site, siteOptions, source, warehouse } from './shared-options.ts';

/** Commands that make a project and load what is new. */
export const loadingCommands = {
  run: describe({
    summary: 'Loads everything new in the source into the warehouse.',
    details: [
      'Without databases of your own it starts an embedded source with a sample shop, and an embedded warehouse. ' +
        'The data folder keeps both, and everything in between.',
      'A data folder that was once run on databases of your own remembers them, all but their passwords: the next ' +
        'command needs --data alone.',
    ],
    options: {
      ...siteOptions,
      watch: { type: 'boolean', summary: 'keep running, and load changes as they come', default: false },
      every: {
        type: 'string',
        value: 'SECONDS',
        summary: 'how often a watch looks at the source',
        defaultText: '10',
      },
      wait: {
        type: 'string',
        value: 'TIME',
        summary: 'how long a run waits for a database that refuses, or a lock',
        defaultText: '15m; a watch waits for ever',
      },
      exact: {
        type: 'boolean',
        summary: 'also look at large tables that the source has counted no write to, and for all deletes',
        default: false,
      },
      console: { type: 'boolean', summary: 'show the console while the watch runs', default: false },
      ...consoleOptions,
    },
    forms: [
      { options: ['project', 'source', 'warehouse', 'data', 'watch', 'every', 'wait', 'exact', 'json'] },
      {
        required: ['watch', 'console'],
        options: ['port', 'host', 'open', 'allow-actions', 'project', 'source', 'warehouse', 'data', 'every'],
      },
      { required: ['stage'], options: ['region', 'via', 'via-source', 'exact', 'json'] },
    ],
    examples: [
      ['starlift run', 'loads the sample shop, and later what has changed in it'],
      [
        'starlift run --source postgres://reader@db/shop --warehouse postgres://loader@dwh/star',
        'loads a database of your own; the passwords come from PGPASSWORD or ~/.pgpass',
      ],
      ['starlift run --data shop --watch --every 5', 'loads changes as they come'],
      ['starlift run --watch --console --open', 'the same, with a page that shows it'],
      ['starlift run --stage dev', 'runs the plan of a deployed stage, and waits for its end'],
    ],
    exitCodes: { 0: 'everything has been loaded', 1: 'something needs attention; the report names it' },
  }),
  status: describe({
    summary: 'Shows how old each table is, what is on its way, and what needs attention.',
    details: [
      'Each finding comes with the command that mends it. Source, queues, objects and warehouse are asked side by ' +
        'side: what does not answer within 3 seconds is a finding, and all the rest is shown.',
    ],
    options: {
      ...siteOptions,
      'max-lag': maxLag,
    },
    forms: [{ options: ['max-lag', ...site] }],
    examples: [
      ['starlift status', 'the data folder .starlift'],
      ['starlift status --max-lag 15m', 'needs attention if the warehouse is more than 15 minutes old'],
      ['starlift status --stage dev --json', 'a deployed stage, for a program to read'],
    ],
  }),
  init: describe({
    summary: 'Writes a project for the tables of a source, or adds what is new to one.',
    details: [
      'It reads the catalogue and writes starlift.yml, tables/*.yml and starlift.lock.json. Tables in which something ' +
        'happens become facts, the tables that they name dimensions; what only dimensions name is folded into them. It ' +
        'says for each table what it became, and why.',
      'In a folder that has a project it adds tables and columns that are new in the source, and changes no line that is ' +
        'there.',
    ],
    options: {
      source: { ...source, defaultText: 'SOURCE_URL, source in starlift.yml' },
      dir: {
        type: 'string',
        value: 'DIR',
        summary: 'the folder of the project',
        default: '.',
        names: 'folder',
      },
      schemas: {
        type: 'string',
        value: 'A,B',
        summary: 'the schemas to read',
        defaultText: 'all that have tables, but for those of tools',
      },
      mirror: {
        type: 'boolean',
        summary: 'copy every table as it is, in place of facts and dimensions',
        default: false,
      },
    },
    forms: [{ options: ['source', 'dir', 'schemas', 'mirror'] }],
    examples: [
      ['starlift init --source postgres://reader@db/shop', 'writes a star for the database shop'],
      ['starlift init --source postgres://reader@db/shop --mirror --dir copy', 'copies its tables instead'],
    ],
    exitCodes: {
      0: 'the project is written, and nothing is wrong with it',
      1: 'it could not be written',
      2: 'wrong usage, or something of the project is wrong; each finding has its file and line',
    },
  }),
  check: describe({
    summary: 'Checks a project: its files, and whether they fit a source and a warehouse.',
    details: [
      'The source and the warehouse are asked where an option, the environment or starlift.yml names them. Without them, ' +
        'starlift.lock.json has what the tables were like. Each finding is one line with file and line.',
    ],
    options: {
      source: {
        ...source,
        summary: 'the source that the files must fit',
        defaultText: 'SOURCE_URL, source in starlift.yml',
      },
      warehouse: {
        ...warehouse,
        summary: 'the warehouse that the files must fit',
        defaultText: 'WAREHOUSE_URL, warehouse in starlift.yml',
      },
      offline: { type: 'boolean', summary: 'check the files alone, and ask no database', default: false },
      update: {
        type: 'boolean',
        summary: 'write starlift.lock.json anew, from the source',
        default: false,
      },
      project: { ...project, defaultText: 'the nearest one with starlift.yml, from here upwards' },
    },
    forms: [{ options: ['source', 'warehouse', 'update', 'offline', 'project'] }],
    examples: [
      ['starlift check', 'the files, and whether source and warehouse still fit them'],
      ['starlift check --offline', 'the files alone'],
      ['starlift check --update', 'takes over what has changed in the source'],
    ],
    exitCodes: {
      0: 'nothing is wrong',
      1: 'a database could not be asked',
      2: 'something is wrong; each finding has its file and line',
    },
  }),
};

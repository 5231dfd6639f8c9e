import { describe } from './command-description.ts';
import {
  consoleOptions,
  data,
  json,
  limit,
  maxLag,
  project,
  shells,
  site,
  siteNames,
  siteOptions,
  stageOptions,
  table,
  via,
  viaSource,
} from './shared-options.ts';

const { json: _, ...consoleSite } = siteOptions;

/** Commands that show what is there, and all others. */
export const lookingCommands = {
  console: describe({
    summary: 'Shows the pipeline as a page in the browser, and keeps it up to date.',
    details: [
      'The page is served on 127.0.0.1, and its link holds a token: whoever has the link may look. It changes nothing, unless ' +
        '--allow-actions is given. With --host it listens on another address, for a container whose port is published on ' +
        '127.0.0.1: it answers to that name and to localhost alone, and runs no commands.',
      'While a watch or a run works on the data folder, or with --stage, the page follows it. Otherwise it shows one look, ' +
        'and another one when that is asked for: so a run can begin at any time.',
    ],
    options: { ...consoleSite, ...consoleOptions, 'max-lag': maxLag },
    forms: [
      {
        options: [...(['port', 'host', 'open', 'allow-actions', 'max-lag'] as const), ...siteNames],
      },
    ],
    examples: [
      ['starlift console --open', 'the data folder .starlift, in the browser'],
      ['starlift console --stage dev', 'a deployed stage'],
      ['starlift console --allow-actions', 'with buttons that run what the page shows'],
    ],
    exitCodes: { 0: 'it was stopped by Ctrl-C', 1: 'it could not be shown' },
  }),
  verify: describe({
    summary: 'Compares source and warehouse row by row, by SQL of its own.',
    options: siteOptions,
    forms: [{ options: site }],
    examples: [
      ['starlift verify', "the data folder's source and warehouse"],
      ['starlift verify --json', 'for a program to read'],
    ],
    exitCodes: {
      0: 'nothing is lost or different; rows that are late, waiting or in quarantine are counted',
      1: 'something is lost, different or wrongly marked as deleted, or could not be compared',
    },
  }),
  trace: describe({
    summary: 'Shows where one row is, from the source to the warehouse, and what it came by.',
    details: [
      'The row as the source has it now; every version in the warehouse with its object, run, slice and snapshot, and when ' +
        'it was planned, extracted, transformed and loaded; its line in both zones; whether it waits, is in quarantine or ' +
        'has failed. One verdict, with the command that mends it. What does not answer is named, and all the rest is shown.',
      'TABLE is a warehouse table, or a source table that one is made from. A key of several columns is given as A,B.',
    ],
    options: {
      ...siteOptions,
      where: {
        type: 'string',
        value: 'KEY',
        summary: 'the key by its columns, such as "a = 1 and b = \'x,y\'"',
      },
    },
    forms: [
      { operand: { value: 'TABLE KEY', names: 'table' }, options: site },
      { operand: { value: 'TABLE', names: 'table' }, required: ['where'], options: site },
    ],
    examples: [
      ['starlift trace fact_payment 4711', 'where payment 4711 is'],
      ['starlift trace fact_line 17,3 --json', 'a key of two columns, for a program to read'],
      [
        'starlift trace fact_line --where "order_id = 17 and line = 3"',
        'the same, by the names of the columns',
      ],
    ],
    exitCodes: {
      0: 'the warehouse has the row, or it is on its way',
      1: 'it needs attention, the source no longer has it, or a part could not be asked',
    },
  }),
  objects: describe({
    summary: 'Lists the objects of both zones, those of the newest run first.',
    options: {
      ...siteOptions,
      table,
      run: { type: 'string', value: 'RUN', summary: 'only objects of this run' },
      zone: {
        type: 'string',
        value: 'ZONE',
        summary: 'only objects of this zone',
        choices: ['ingested', 'processed'],
      },
      limit: { ...limit, summary: 'how many to list', default: '50' },
    },
    forms: [{ options: ['table', 'run', 'zone', 'limit', ...site] }],
    examples: [
      ['starlift objects --table payment', 'the newest objects of one table, in both zones'],
      ['starlift objects --zone processed --limit 1000', 'the newest 1,000 Parquet objects'],
    ],
    exitCodes: { 0: 'listed', 1: 'they could not be listed' },
  }),
  cat: describe({
    summary: 'Prints the rows of an object as lines of JSON, of either zone.',
    details: [
      'Parquet is written as the lines of the ingested zone are: numbers by their digits, times as text.',
    ],
    options: { ...siteOptions, limit: { ...limit, summary: 'only the first rows', defaultText: 'all' } },
    forms: [{ operand: { value: 'KEY' }, options: ['limit', ...site] }],
    examples: [
      [
        'starlift cat payment/2026/11/30/20261130T215129041Z7f3a-0000.ndjson.zst --limit 5',
        'the first five rows of an object that starlift objects has listed',
      ],
    ],
    exitCodes: { 0: 'printed', 1: 'it could not be read' },
  }),
  runs: describe({
    summary: 'Lists the runs that found something; shows one with its steps.',
    details: [
      'runs show takes a run, or last. It shows for each step the objects, rows, bytes and seconds since the plan, and what ' +
        'is tried again or has failed; and the same for each table.',
    ],
    options: { ...siteOptions, limit: { ...limit, summary: 'how many to list', defaultText: '20' } },
    forms: [
      { options: ['limit', ...site] },
      { words: ['show'], operand: { value: 'RUN', choices: ['last'] }, options: site },
    ],
    examples: [
      ['starlift runs', 'the newest 20'],
      ['starlift runs show last', 'the newest one, step by step'],
    ],
    exitCodes: { 0: 'shown', 1: 'the warehouse could not be asked' },
  }),
  secrets: describe({
    summary: "Stores a database URL in a deployed stage's secret.",
    details: ['The URL comes by stdin, or is asked for and not shown.'],
    options: {
      ...stageOptions,
      iam: {
        type: 'boolean',
        summary: 'log in by an IAM token: the URL has no password',
        default: false,
      },
      json,
    },
    forms: [
      { words: ['put', 'source'], required: ['stage'], options: ['region', 'iam', 'json'] },
      { words: ['put', 'warehouse'], required: ['stage'], options: ['region', 'iam', 'json'] },
    ],
    examples: [['starlift secrets put source --stage dev < url.txt', 'stores the URL that the file holds']],
    exitCodes: { 0: 'the secret has a new version', 1: 'it could not be stored' },
  }),
  schema: describe({
    summary: 'Shows the warehouse tables and where each comes from, or their DDL.',
    options: {
      project,
      sql: {
        type: 'boolean',
        summary: 'print the statements that make them, ready for psql',
        default: false,
      },
      mermaid: { type: 'boolean', summary: 'draws the star as a Mermaid diagram' },
      dot: { type: 'boolean', summary: 'draws the star for Graphviz' },
    },
    forms: [
      { options: ['sql', 'project'] },
      { options: ['mermaid', 'project'] },
      { options: ['dot', 'project'] },
    ],
    examples: [
      ['starlift schema', 'each table with its columns and their sources'],
      ['starlift schema --mermaid', 'a picture of the star, for GitHub and editors'],
      ['starlift schema --dot | dot -Tsvg > star.svg', 'the same by Graphviz'],
      ['starlift schema --sql | psql star', 'makes the tables in the database star'],
    ],
    exitCodes: { 0: 'shown', 1: 'it could not be shown' },
  }),
  sample: describe({
    summary: 'Fills a database of your own with the sample shop.',
    options: {
      // Named by the option alone: whoever has a source configured does not mean to fill it.
      source: { type: 'string', value: 'URL', summary: 'the database to fill' },
      orders: { type: 'string', value: 'N', summary: 'how many sales orders', default: '5000' },
      seed: { type: 'string', value: 'K', summary: 'the same seed makes the same shop', default: '1' },
      'if-empty': { type: 'boolean', summary: 'do nothing where the shop is there already', default: false },
    },
    forms: [{ required: ['source'], options: ['orders', 'seed', 'if-empty'] }],
    examples: [['starlift sample --source postgres://me@localhost/shop', 'fills the database shop']],
    exitCodes: { 0: 'the shop is there', 1: 'it could not be filled' },
  }),
  sql: describe({
    summary: 'Queries the warehouse, or with --source the source.',
    details: [
      'Runs QUERY, or the statements of a pipe, or asks for them at a prompt. The session is read-only: the server ' +
        'refuses every write, unless --write is given.',
      'At the prompt \\d lists tables, \\d NAME describes one, \\x turns rows on their side, \\? shows the rest. ' +
        'Ctrl-C cancels a statement, Ctrl-D or \\q ends.',
    ],
    options: {
      source: { type: 'boolean', summary: 'query the source', default: false },
      warehouse: { type: 'boolean', summary: 'query the warehouse, the default', default: false },
      write: { type: 'boolean', summary: 'let statements change data', default: false },
      project,
      data,
      ...stageOptions,
      via,
      'via-source': viaSource,
      json,
    },
    forms: [
      {
        operand: { value: 'QUERY' },
        options: ['write', ...site],
      },
    ],
    examples: [
      ['starlift sql', 'asks for statements'],
      ["starlift sql 'select count(*) from fact_payment'", 'runs one query'],
      ['starlift sql --source < report.sql', 'runs the statements of a file on the source'],
      ["starlift sql '\\d dim_staff'", 'describes a table'],
    ],
    exitCodes: { 0: 'every statement ran', 1: 'a statement failed' },
  }),
  completion: describe({
    summary: 'Prints what completes starlift in bash, zsh or fish.',
    options: {},
    forms: shells.map((shell) => ({ words: [shell], options: [] })),
    examples: [
      ['source <(starlift completion bash)', 'in ~/.bashrc'],
      ['source <(starlift completion zsh)', 'in ~/.zshrc, after compinit'],
      ['starlift completion fish | source', 'in ~/.config/fish/config.fish'],
    ],
    exitCodes: { 0: 'printed', 1: 'it could not be printed' },
  }),
};

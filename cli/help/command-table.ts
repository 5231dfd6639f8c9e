/** One option of a command. Parsing, help and completion all come from here. */
export interface CommandOption {
  type: 'string' | 'boolean';
  /** What stands for its value in help. */
  value?: string;
  summary: string;
  /** What the command gets where the option is left out. */
  default?: string | boolean;
  /** What help says of a default that the command finds by itself. */
  defaultText?: string;
  /** The values there are, where they are few. */
  choices?: readonly string[];
  /** What else a shell can complete its value with. */
  names?: 'table' | 'folder';
}

/** One way of using a command. */
export interface CommandForm<Name extends string = string> {
  /** Words behind the command's name, such as `release`. */
  words?: readonly string[];
  /** One word of the user's own behind them, or more where its value says so; it may be left out. */
  operand?: { value: string; choices?: readonly string[]; names?: 'table' };
  required?: readonly Name[];
  options: readonly Name[];
}

export interface CommandDescription<Name extends string = string> {
  summary: string;
  /** Paragraphs that only the command's own help shows. */
  details?: readonly string[];
  options: Readonly<Record<Name, CommandOption>>;
  forms: readonly CommandForm<NoInfer<Name>>[];
  /** Commands as they are typed, each with what it does. */
  examples: readonly (readonly [command: string, what: string])[];
  /** What the exit codes mean, where the command has a meaning of its own. */
  exitCodes?: Readonly<Partial<Record<0 | 1 | 2, string>>>;
}

export const exitCodes = {
  0: 'checked, and all is well',
  1: 'something needs attention, or could not be checked',
  2: 'wrong usage or configuration',
} as const;

const stageOptions = {
  stage: { type: 'string', value: 'NAME', summary: 'work on this deployed stage' },
  region: {
    type: 'string',
    value: 'REGION',
    summary: "the stage's AWS region",
    defaultText: "the AWS profile's",
  },
} as const satisfies Record<string, CommandOption>;

const json = {
  type: 'boolean',
  summary: 'print the result as one line of JSON; everything else goes to stderr',
  default: false,
} as const satisfies CommandOption;

const data = {
  type: 'string',
  value: 'DIR',
  summary: 'the data folder',
  defaultText: 'data in starlift.yml, else .starlift in its folder, or here',
  names: 'folder',
} as const satisfies CommandOption;

const source = {
  type: 'string',
  value: 'URL',
  summary: 'the source database, postgres://user@host:port/database',
  defaultText: "SOURCE_URL, source in starlift.yml, the data folder's",
} as const satisfies CommandOption;

const warehouse = {
  type: 'string',
  value: 'URL',
  summary: 'the warehouse database',
  defaultText: "WAREHOUSE_URL, warehouse in starlift.yml, the data folder's",
} as const satisfies CommandOption;

const table = {
  type: 'string',
  value: 'T',
  summary: 'a source table or a warehouse table',
  names: 'table',
} as const satisfies CommandOption;

const project = {
  type: 'string',
  value: 'DIR',
  summary: 'the folder of the project',
  defaultText: "the nearest one with starlift.yml, from here upwards, else the data folder's",
  names: 'folder',
} as const satisfies CommandOption;

const siteOptions = {
  project,
  data,
  stage: stageOptions.stage,
  region: stageOptions.region,
  source,
  warehouse,
  json,
};
const site = ['project', 'data', 'stage', 'region', 'source', 'warehouse', 'json'] as const;

const queue = {
  type: 'string',
  value: 'Q',
  summary: 'only messages of this queue',
  choices: ['extract', 'transform', 'load'],
} as const satisfies CommandOption;

const dryRun = {
  type: 'boolean',
  summary: 'show what would be sent, and send nothing',
  default: false,
} as const satisfies CommandOption;

const limit = {
  type: 'string',
  value: 'N',
} as const satisfies Omit<CommandOption, 'summary'>;

const message = {
  type: 'string',
  value: 'ID',
  summary: 'only this message',
} as const satisfies CommandOption;

const shells = ['bash', 'zsh', 'fish'] as const;

/** Keeps the names of a command's options, so that its forms can name no other. */
const describe = <Name extends string>(description: CommandDescription<Name>): CommandDescription<Name> =>
  description;

const withoutHelp = {
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
    },
    forms: [
      { options: ['project', 'source', 'warehouse', 'data', 'watch', 'every', 'wait', 'json'] },
      { required: ['stage'], options: ['region', 'json'] },
    ],
    examples: [
      ['starlift run', 'loads the sample shop, and later what has changed in it'],
      [
        'starlift run --source postgres://reader@db/shop --warehouse postgres://loader@dwh/star',
        'loads a database of your own; the passwords come from PGPASSWORD or ~/.pgpass',
      ],
      ['starlift run --data shop --watch --every 5', 'loads changes as they come'],
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
      'max-lag': {
        type: 'string',
        value: 'TIME',
        summary: 'how old the warehouse may be, such as 90s, 15m or 2h',
        defaultText: 'freshness in starlift.yml, else 10 intervals of a watch',
      },
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
      'Without a source it needs no database: starlift.lock.json has what the tables were like. Each finding is one ' +
        'line with file and line.',
    ],
    options: {
      source: { ...source, summary: 'compare with this source, too', defaultText: 'none' },
      warehouse: { ...warehouse, summary: 'compare with this warehouse, too', defaultText: 'none' },
      update: {
        type: 'boolean',
        summary: 'write starlift.lock.json anew, from the source',
        default: false,
      },
      project: { ...project, defaultText: 'the nearest one with starlift.yml, from here upwards' },
    },
    forms: [{ options: ['source', 'warehouse', 'update', 'project'] }],
    examples: [
      ['starlift check', 'the files alone'],
      [
        'starlift check --source postgres://reader@db/shop',
        'the files, and whether the source still fits them',
      ],
      ['starlift check --update', 'takes over what has changed in the source'],
    ],
    exitCodes: {
      0: 'nothing is wrong',
      1: 'it could not be checked',
      2: 'something is wrong; each finding has its file and line',
    },
  }),
  failures: describe({
    summary: 'Lists what has failed for good, by table and reason; discards it.',
    details: [
      'Each group comes with the command that mends it. What can never succeed, such as the message of an object that ' +
        'S3 has lost, is discarded by failures drop: nothing sends it again.',
    ],
    options: {
      ...siteOptions,
      table,
      queue,
      message,
      all: { type: 'boolean', summary: 'drop everything that has failed', default: false },
      'dry-run': { ...dryRun, summary: 'show what would be dropped, and drop nothing' },
    },
    forms: [
      { options: ['table', 'queue', ...site] },
      { words: ['drop'], options: ['table', 'queue', 'message', 'all', 'dry-run', ...site] },
    ],
    examples: [
      ['starlift failures', 'everything that has failed'],
      ['starlift failures --table payment --queue load', 'one table, one queue'],
      ['starlift failures drop --table payment', 'gives up on the failures of one table'],
    ],
    exitCodes: {
      0: 'nothing has failed, or the failures are dropped',
      1: 'something has failed, or could not be checked',
    },
  }),
  redrive: describe({
    summary: 'Sends dead letters back to the queues that they came from.',
    details: ['The next run takes them; a running watch, or a stage, does so at once.'],
    options: {
      ...siteOptions,
      table,
      queue,
      message,
      'dry-run': dryRun,
    },
    forms: [{ options: ['table', 'queue', 'message', 'dry-run', ...site] }],
    examples: [
      ['starlift redrive --dry-run', 'shows all dead letters that would be sent'],
      ['starlift redrive --table payment', 'sends those of one table'],
    ],
    exitCodes: { 0: 'all of them were sent', 1: 'another reader holds one of them' },
  }),
  replay: describe({
    summary: "Sends a table's objects in S3 through the pipeline again.",
    options: {
      ...siteOptions,
      table,
      from: { type: 'string', value: 'DAY', summary: 'only objects from this day on, YYYY-MM-DD in UTC' },
      to: { type: 'string', value: 'DAY', summary: 'only objects up to this day, YYYY-MM-DD in UTC' },
      zone: {
        type: 'string',
        value: 'ZONE',
        summary: 'load the processed objects again, or transform the ingested ones again',
        default: 'processed',
        choices: ['ingested', 'processed'],
      },
      'dry-run': dryRun,
    },
    forms: [{ required: ['table'], options: ['from', 'to', 'zone', 'dry-run', ...site] }],
    examples: [
      ['starlift replay --table fact_payment', 'loads all of a table again'],
      [
        'starlift replay --table payment --zone ingested --from 2026-11-01',
        'transforms the objects since that day again, and loads them',
      ],
    ],
    exitCodes: {
      0: 'the objects were sent, or there are none',
      1: 'objects that were loaded cannot be found; the command that brings them is named',
    },
  }),
  rebuild: describe({
    summary: 'Loads warehouse tables again that were dropped or emptied, from S3.',
    details: [
      'Makes a table that is gone, and sends all of its objects to be loaded. Rows that are there stay. The next run ' +
        'takes the objects; a running watch, or a stage, does so at once.',
    ],
    options: {
      ...siteOptions,
      all: { type: 'boolean', summary: 'rebuild every table', default: false },
    },
    forms: [
      { operand: { value: 'TABLE...', names: 'table' }, options: site },
      { required: ['all'], options: site },
    ],
    examples: [
      ['starlift rebuild fact_payment', 'brings back the rows of one table'],
      ['starlift rebuild --all --stage dev', 'brings back those of every table of a stage'],
    ],
    exitCodes: {
      0: 'the objects were sent',
      1: 'S3 has lost some of them; the command that reads the source is named',
    },
  }),
  publish: describe({
    summary: "Puts the project's model in force, without a run or a deploy.",
    details: [
      'The model is that of the nearest starlift.yml with a folder tables, else that of the sample shop. Every function ' +
        'goes by it from the next plan on. What only adds is taken: a table, a column that may be null, a lookup. A change ' +
        'of the kind, key or versions of a table that is loaded already, or of the type of a column, is refused.',
    ],
    options: siteOptions,
    forms: [{ options: site }],
    examples: [
      ['starlift publish --stage dev', 'changes the model of a deployed stage'],
      ['starlift publish --data shop', 'changes that of a data folder, while a watch runs on it too'],
    ],
    exitCodes: { 0: 'the model is in force', 1: 'it could not be published' },
  }),
  migrate: describe({
    summary:
      "Changes the warehouse's tables to the project's model where that takes more than adding to them.",
    details: [
      'A renamed table or column (was: in the project) and a wider type are changed in place. A table with another key, ' +
        'kind, source, version column or type is filled anew from S3, next to the one that readers see, and takes its ' +
        'place in one transaction: with its rights, its views and the numbers of its rows. The pipeline goes on meanwhile.',
      'What has left the model stays in the warehouse, and may be null. It can be ended at any time: the next call goes on.',
    ],
    options: {
      ...siteOptions,
      plan: { type: 'boolean', summary: 'show each step with its rows, and change nothing', default: false },
      'accept-lost': {
        type: 'boolean',
        summary: 'go on although S3 has lost objects of a table: what only they have is missing then',
        default: false,
      },
      prune: {
        type: 'boolean',
        summary: 'print the statements that drop what has left the model, and change nothing',
        default: false,
      },
    },
    forms: [{ options: ['plan', 'accept-lost', ...site] }, { required: ['prune'], options: site }],
    examples: [
      ['starlift migrate --plan', 'shows what would be done'],
      ['starlift migrate', 'does it, in the data folder .starlift'],
      ['starlift migrate --stage dev', 'does it on a deployed stage, whose functions fill the tables'],
      ['starlift migrate --prune', 'prints drop statements for what the model has no longer'],
    ],
    exitCodes: {
      0: "the tables are the model's",
      1: 'something is in the way, or needs attention; the message says what to type',
    },
  }),
  resync: describe({
    summary: 'Lets the next plan read tables of the source in full.',
    details: [
      'For rows that S3 has lost, or that the warehouse should get once more from the source. What is read counts as ' +
        'newer than all that is loaded. Earlier versions of a fact that S3 has lost are not in the source. A census of ' +
        'the tables follows, which marks the rows that are gone.',
    ],
    options: {
      ...siteOptions,
      table: { ...table, summary: 'only this table, of the source or the warehouse' },
      all: { type: 'boolean', summary: 'every table, as without --table', default: false },
    },
    forms: [{ options: ['table', ...site] }, { required: ['all'], options: site }],
    examples: [
      ['starlift resync --table dim_staff', 'reads what dim_staff is made of'],
      ['starlift resync --all', 'reads every table'],
    ],
    exitCodes: { 0: 'the next plan reads the tables in full', 1: 'the request could not be left' },
  }),
  rebind: describe({
    summary: 'Accepts that the source or the warehouse is the same data in a new place.',
    details: [
      'After pg_upgrade, dump and restore, a renamed database or a new server. It shows what is bound and what would be, ' +
        'and asks. The next plan then begins a new generation and reads every table in full. With --stage it hands the ' +
        'warehouse over to that stage; whoever loaded it before is refused.',
    ],
    options: {
      ...siteOptions,
      yes: { type: 'boolean', summary: 'do not ask', default: false },
    },
    forms: [{ options: ['yes', ...site] }],
    examples: [
      [
        'starlift rebind --data shop --source postgres://reader@new/shop',
        'follows the source to a new server',
      ],
      ['starlift rebind --stage dev --yes', "hands the stage's warehouse over to it"],
    ],
    exitCodes: { 0: 'they are bound to each other', 1: 'you have said no, or it could not be done' },
  }),
  quarantine: describe({
    summary: 'Lists the rows that broke the contract; releases them, or gives them up.',
    options: {
      ...siteOptions,
      table,
      file: { type: 'string', value: 'KEY', summary: 'only the rows of this quarantine file' },
      key: { type: 'string', value: 'K', summary: 'only the row with this key' },
      gone: { type: 'boolean', summary: 'only rows that the source does not have any more' },
    },
    forms: [
      { options: ['table', ...site] },
      { words: ['release'], required: ['table'], options: ['file', ...site] },
      { words: ['drop'], required: ['table'], options: ['file', 'key', 'gone', ...site] },
    ],
    examples: [
      ['starlift quarantine', 'lists the rows, each with its reason'],
      ['starlift quarantine release --table payment', 'sends them through the pipeline again'],
      ['starlift quarantine drop --table payment --key 7', 'gives one row up'],
    ],
    exitCodes: { 0: 'no row is in quarantine, or the action is done', 1: 'a row is in quarantine' },
  }),
  waiting: describe({
    summary: 'Lists the facts that wait for a dimension row, and why.',
    options: {
      ...siteOptions,
      table,
      drop: { type: 'boolean', summary: 'drop these facts', default: false },
    },
    forms: [{ options: ['table', 'drop', ...site] }],
    examples: [
      ['starlift waiting', 'lists them by the row that is missing'],
      ['starlift waiting --drop --table fact_payment', 'drops the waiting rows of one fact'],
    ],
    exitCodes: { 0: 'no row waits, or the rows are dropped', 1: 'a row waits' },
  }),
  deletes: describe({
    summary: 'Shows the rows that are marked as deleted, and decides of what is held.',
    details: [
      'A census that lacks more than a fifth of the keys, and more than 1,000, or all of them is held: the table may have been',
      'emptied by mistake. Until you decide, no row is marked for it.',
    ],
    options: { ...siteOptions, table },
    forms: [
      { options: ['table', ...site] },
      { words: ['apply'], required: ['table'], options: site },
      { words: ['dismiss'], required: ['table'], options: site },
    ],
    examples: [
      ['starlift deletes', 'counts the marked rows of each table, and shows what is held'],
      ['starlift deletes apply --table fact_payment', 'the rows are gone on purpose: marks them'],
      ['starlift deletes dismiss --table fact_payment', 'it was a mistake: forgets the census'],
    ],
    exitCodes: { 0: 'nothing is held, or it is decided', 1: 'a census is held' },
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
    options: { ...stageOptions, json },
    forms: [
      { words: ['put', 'source'], required: ['stage'], options: ['region', 'json'] },
      { words: ['put', 'warehouse'], required: ['stage'], options: ['region', 'json'] },
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
    },
    forms: [{ required: ['source'], options: ['orders', 'seed'] }],
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
      json,
    },
    forms: [
      {
        operand: { value: 'QUERY' },
        options: ['source', 'warehouse', 'write', 'project', 'data', 'stage', 'region', 'json'],
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

export type CommandName = keyof typeof withoutHelp | 'help';

export const commandTable: Readonly<Record<CommandName, CommandDescription>> = {
  ...withoutHelp,
  help: {
    summary: 'Shows the commands, or how to use one of them.',
    options: {},
    forms: [{ operand: { value: 'COMMAND', choices: Object.keys(withoutHelp) }, options: [] }],
    examples: [['starlift help sql', 'the same as starlift sql --help']],
    exitCodes: { 0: 'shown', 1: 'it could not be shown' },
  },
};

export const commandNames = Object.keys(commandTable) as CommandName[];

export const isCommandName = (name: string): name is CommandName => Object.hasOwn(commandTable, name);

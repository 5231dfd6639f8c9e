import type { CommandOption } from './command-description.ts';

// Options of several commands.

export const stageOptions = {
  stage: { type: 'string', value: 'NAME', summary: 'work on this deployed stage' },
  region: {
    type: 'string',
    value: 'REGION',
    summary: "the stage's AWS region",
    defaultText: "the AWS profile's",
  },
} as const satisfies Record<string, CommandOption>;

export const via = {
  type: 'string',
  value: 'HOST:PORT',
  summary: "the near end of a tunnel to the stage's warehouse, whose name TLS goes on checking",
} as const satisfies CommandOption;

export const viaSource = {
  type: 'string',
  value: 'HOST:PORT',
  summary: "the same for the stage's source",
} as const satisfies CommandOption;

export const json = {
  type: 'boolean',
  summary: 'print the result as one line of JSON; everything else goes to stderr',
  default: false,
} as const satisfies CommandOption;

export const data = {
  type: 'string',
  value: 'DIR',
  summary: 'the data folder',
  defaultText: 'data in starlift.yml, else .starlift in its folder, or here',
  names: 'folder',
} as const satisfies CommandOption;

export const source = {
  type: 'string',
  value: 'URL',
  summary: 'the source database, postgres://user@host:port/database',
  defaultText: "SOURCE_URL, source in starlift.yml, the data folder's",
} as const satisfies CommandOption;

export const warehouse = {
  type: 'string',
  value: 'URL',
  summary: 'the warehouse database',
  defaultText: "WAREHOUSE_URL, warehouse in starlift.yml, the data folder's",
} as const satisfies CommandOption;

export const table = {
  type: 'string',
  value: 'T',
  summary: 'a source table or a warehouse table',
  names: 'table',
} as const satisfies CommandOption;

export const project = {
  type: 'string',
  value: 'DIR',
  summary: 'the folder of the project',
  defaultText: "the nearest one with starlift.yml, from here upwards, else the data folder's",
  names: 'folder',
} as const satisfies CommandOption;

export const siteOptions = {
  project,
  data,
  stage: stageOptions.stage,
  region: stageOptions.region,
  via,
  'via-source': viaSource,
  source,
  warehouse,
  json,
};
/** All of them but `json`. */
export const siteNames = [
  ...(['project', 'data', 'stage', 'region', 'via', 'via-source'] as const),
  ...(['source', 'warehouse'] as const),
] as const;
export const site = [...siteNames, 'json'] as const;

export const queue = {
  type: 'string',
  value: 'Q',
  summary: 'only messages of this queue',
  choices: ['extract', 'transform', 'load'],
} as const satisfies CommandOption;

export const dryRun = {
  type: 'boolean',
  summary: 'show what would be sent, and send nothing',
  default: false,
} as const satisfies CommandOption;

export const limit = {
  type: 'string',
  value: 'N',
} as const satisfies Omit<CommandOption, 'summary'>;

export const message = {
  type: 'string',
  value: 'ID',
  summary: 'only this message',
} as const satisfies CommandOption;

/** Of the page that `console`, and `run --watch --console`, show. */
export const consoleOptions = {
  port: { type: 'string', value: 'N', summary: "the console's port", defaultText: 'any that is free' },
  host: {
    type: 'string',
    value: 'ADDRESS',
    summary: 'the address that the console listens on, such as 0.0.0.0 in a container',
    defaultText: '127.0.0.1',
  },
  open: { type: 'boolean', summary: 'open the console in the browser', default: false },
  'allow-actions': {
    type: 'boolean',
    summary: 'let the console run the commands that it shows, after a question',
    default: false,
  },
} as const satisfies Record<string, CommandOption>;

export const maxLag = {
  type: 'string',
  value: 'TIME',
  summary: 'how old the warehouse may be, such as 90s, 15m or 2h',
  defaultText: 'freshness in starlift.yml, else 10 intervals of a watch',
} as const satisfies CommandOption;

export const shells = ['bash', 'zsh', 'fish'] as const;

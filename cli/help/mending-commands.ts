import { describe } from './command-description.ts';
import { dryRun, message, queue, site, siteOptions, table } from './shared-options.ts';

/** Commands that mend what has failed, and change what is in force. */
export const mendingCommands = {
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
  forget: describe({
    summary: 'Removes a row in all its versions from both zones, quarantine and the warehouse.',
    details: [
      'The row has to be deleted in the source first. Its objects are replaced by the same without it, and their old versions in ' +
        'S3 are deleted. It may run while a run watches or a stage works; ended at any time, it is typed again. A record of it, ' +
        'without the row’s values, stays.',
    ],
    options: {
      ...siteOptions,
      table: { ...table, summary: 'a warehouse table, or a source table' },
      key: {
        type: 'string',
        value: 'K',
        summary: 'the key of the row; of several columns, their values with commas between',
      },
      where: { type: 'string', value: 'W', summary: 'the same by name, "a = 1 and b = \'x, y\'"' },
      'with-facts': {
        type: 'boolean',
        summary: 'also forget the rows of facts that name it',
        default: false,
      },
      list: { type: 'boolean', summary: 'list what was forgotten', default: false },
    },
    forms: [{ options: ['table', 'key', 'where', 'with-facts', 'list', ...site] }],
    examples: [
      ['starlift forget --table dim_staff --key 7', 'removes one row'],
      ['starlift forget --table fact_line --key 17,3', 'by a key of two columns'],
      ['starlift forget --list', 'what was forgotten, when and by whom'],
    ],
    exitCodes: {
      0: 'the row is forgotten, or nothing of it was left',
      1: 'it is not forgotten, or not all of it',
    },
  }),
  expire: describe({
    summary: 'Deletes old objects of both zones, and old quarantine files.',
    details: [
      'Only what the warehouse has loaded is deleted. What is deleted cannot be replayed any more: a rebuild, and a column or table ' +
        'that is new to the model, get what is left in S3, and say how much that is less. On a stage old versions stay in S3 for ' +
        '30 days more.',
    ],
    options: {
      ...siteOptions,
      table,
      all: { type: 'boolean', summary: 'objects of every table', default: false },
      'older-than': {
        type: 'string',
        value: 'AGE',
        summary: 'of runs that are older, such as 400d; 31d at least',
      },
      'dry-run': { ...dryRun, summary: 'show what would be deleted, and delete nothing' },
    },
    forms: [{ options: ['table', 'all', 'older-than', 'dry-run', ...site] }],
    examples: [
      ['starlift expire --all', 'of each table by the age that starlift.yml has for it'],
      ['starlift expire --table payment --older-than 400d', 'of one table'],
      ['starlift expire --all --older-than 800d --dry-run', 'shows what would be deleted of all tables'],
    ],
    exitCodes: { 0: 'the objects are deleted, or there are none', 1: 'they could not be deleted' },
  }),
  deletes: describe({
    summary: 'Shows the rows that are marked as deleted, and decides of what is held.',
    details: [
      'A census that lacks more than a fifth of the keys, and more than 1,000, or all of them is held: the table may have been ' +
        'emptied by mistake. Until you decide, no row is marked for it.',
      'What becomes of deleted rows is the model’s to say: deletes.',
    ],
    options: { ...siteOptions, table },
    forms: [
      { options: ['table', ...site] },
      { words: ['apply'], required: ['table'], options: site },
      { words: ['dismiss'], required: ['table'], options: site },
    ],
    examples: [
      ['starlift deletes', 'counts the marked and the removed rows of each table, and shows what is held'],
      ['starlift deletes apply --table fact_payment', 'the rows are gone on purpose: marks or removes them'],
      ['starlift deletes dismiss --table fact_payment', 'it was a mistake: forgets the census'],
    ],
    exitCodes: { 0: 'nothing is held, or it is decided', 1: 'a census is held' },
  }),
};

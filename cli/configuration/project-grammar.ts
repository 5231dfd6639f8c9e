import * as z from 'zod';
import { durationPattern } from './duration.ts';
import { stageName } from './stage-name.ts';
import { stageParameters } from './stage-parameters.ts';

/** A name or another text that is not empty. */
export const nonEmpty = z.string('is no text').min(1, 'is empty');

const names = z.array(nonEmpty, 'is not a list of names').min(1, 'is an empty list');
const stageNameRule = 'is not a stage name: use up to 12 lower-case letters and digits, a letter first';
const flag = z.boolean('is neither true nor false');

export const deletesGrammar = z.enum(['mark', 'remove', 'keep'], 'must be mark, remove or keep');

const durationBy = (rule: string) => z.string(rule).regex(durationPattern, rule);
const age = durationBy('is no duration: use a number with d, such as 400d');

/** What belongs to a source table, and not to a warehouse table. */
const sourceTable = z.strictObject({
  exclude: names.describe('Columns that never leave the source.').optional(),
  mask: z
    .record(z.string(), z.literal('hmac', 'is not hmac'))
    .describe(
      'Columns that leave the source only as the HMAC of their text, by a key that is not in the project.',
    )
    .optional(),
  keep: flag
    .describe('Ingest the table although no warehouse table is made from it: it is kept in S3.')
    .optional(),
  guard: z
    .enum(['none'], 'is not none')
    .describe(
      'none: the table may be emptied on purpose, so deletes of many of its rows are not held. Default: they are held until starlift deletes apply.',
    )
    .optional(),
  changed: nonEmpty
    .describe(
      'The column that the application sets when it changes a row, a timestamp. Where an index leads by it, the newest changes of a large table are read by that, between looks at the whole table. Default: the column of versions, if a fact of the table has any.',
    )
    .optional(),
  expire: age
    .describe('How old objects of the table become before starlift expire deletes them, such as 400d.')
    .optional(),
});

/** Every key of starlift.yml; docs/model.md has the table of them. */
export const projectGrammar = z.strictObject({
  name: nonEmpty.describe("The model's name. Default: the name of the project's folder.").optional(),
  source: z
    .strictObject({
      url: nonEmpty
        .describe(
          'The source database. Environment variables may stand in it, as a shell writes them in braces.',
        )
        .optional(),
      schemas: names
        .describe(
          'The schemas that tables are read from. Tables of the first one go by their bare names, all others by schema.table. Default: [public].',
        )
        .optional(),
    })
    .optional(),
  warehouse: z
    .strictObject({
      url: nonEmpty.describe('The warehouse database.').optional(),
      schema: nonEmpty.describe('The schema that the tables are made in. Default: public.').optional(),
      deletes: deletesGrammar
        .describe(
          'What becomes of deleted rows of tables that do not say so themselves: mark, remove or keep. Tables that cannot remove rows mark them. Default: mark.',
        )
        .optional(),
      calendar: nonEmpty.describe('The name of the dimension of dates. Without it there is none.').optional(),
    })
    .optional(),
  sources: z.record(z.string(), sourceTable).describe('Source tables by their names.').optional(),
  data: nonEmpty.describe('The data folder.').optional(),
  stages: z
    .record(z.string().regex(stageName, stageNameRule), stageParameters)
    .describe(
      'Parameters of deployed stages by the name of the stage; those below default are for every stage. Environment variables may stand in them.',
    )
    .optional(),
  freshness: durationBy('is no duration: use a number with s, m, h or d, such as 15m')
    .describe('How old the warehouse may become, such as 15m.')
    .optional(),
  expire: age
    .describe(
      'How old objects of tables that do not say so themselves become before starlift expire deletes them, such as 800d.',
    )
    .optional(),
});

export type ProjectContents = z.infer<typeof projectGrammar>;

import * as z from 'zod';
import { deletesGrammar, nonEmpty } from '../../configuration/project-grammar.ts';

const flag = z.boolean('is neither true nor false');

/** `date`, `time`, `text`, `varchar`, or `numeric(p,s)`. */
export const asPattern = /^(?:date|time|text|varchar|numeric\((?<precision>\d{1,4}), ?(?<scale>\d{1,4})\))$/;

const column = z.strictObject({
  from: nonEmpty
    .describe(
      'A column of the source table, or a path to one along foreign keys and joins: customer.address.city. Default: the column of the same name.',
    )
    .optional(),
  as: z
    .string('is no text')
    .regex(asPattern, 'must be date, time, text, varchar or numeric(p,s)')
    .describe('What is made of it: date, time, text, varchar or numeric(p,s). Default: its own type.')
    .optional(),
  lookup: nonEmpty.describe('Look the value up in lookups/NAME.csv.').optional(),
  else: z
    .enum(['self', 'null'], 'is neither self nor null')
    .describe(
      'What stands for a value that the lookup does not have: the value itself, or null. Without it the row goes to quarantine.',
    )
    .optional(),
  was: nonEmpty.describe('The name that the column had: starlift migrate renames it.').optional(),
  references: nonEmpty.describe('The dimension, or the calendar, whose key the column holds.').optional(),
  nullable: flag
    .describe(
      'Whether the column may be null; a null in one that may not goes to quarantine. Default: as in the source; true for a joined column.',
    )
    .optional(),
});

const join = z.strictObject({
  table: nonEmpty.describe('The source table that is joined.'),
  match: z
    .record(z.string(), nonEmpty)
    .refine((match) => Object.keys(match).length > 0, 'names no columns')
    .describe("The nearer table's columns, each with the column of the joined table that is equal to it."),
});

/** Every key of a file in tables/; docs/model.md has the table of them. */
export const tableGrammar = z.strictObject({
  fact: nonEmpty.describe('The name of a fact.').optional(),
  dimension: nonEmpty.describe('The name of a dimension: the latest state of each key.').optional(),
  table: nonEmpty.describe('The name of a copy of a source table: the latest state of each key.').optional(),
  was: nonEmpty.describe('The name that the table had: starlift migrate renames it.').optional(),
  from: nonEmpty.describe('The source table, or schema.table.'),
  key: z
    .union([nonEmpty, z.array(nonEmpty).min(1)], 'is neither a column nor a list of columns')
    .describe('The columns of the source table that make a row unique. Default: its primary key.')
    .optional(),
  versions: nonEmpty
    .describe(
      "Of a fact: the source's column that changes with every change of a row. The fact then has a row for each captured version; without it, the latest state of each key.",
    )
    .optional(),
  surrogate: nonEmpty.describe('Of a fact: a column that numbers its rows.').optional(),
  history: flag
    .describe(
      'Of a dimension: whether every captured version of its rows is kept as well, in NAME__versions, with the view NAME_history. Default: false.',
    )
    .optional(),
  deletes: deletesGrammar
    .describe(
      'What becomes of a row whose key the source no longer has: mark it, remove it, or keep it as it is. remove is not for a dimension, nor for a fact with versions. Default: warehouse.deletes of starlift.yml, else mark.',
    )
    .optional(),
  columns: z
    .record(z.string(), column.nullable())
    .refine((columns) => Object.keys(columns).length > 0, 'has no columns')
    .describe('The columns. Default: every column of the source table.')
    .optional(),
  joins: z
    .record(z.string(), join)
    .describe(
      'Tables that no foreign key leads to, or that more than one leads to, by the name that paths use.',
    )
    .optional(),
});

export type TableContents = z.infer<typeof tableGrammar>;
export type ColumnContents = z.infer<typeof column>;

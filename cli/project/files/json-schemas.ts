import * as z from 'zod';
import { projectGrammar } from '../../configuration/project-grammar.ts';
import { tableGrammar } from './table-grammar.ts';

/**
 * The JSON Schemas of a project's files, by which editors complete keys and explain them. They lie in docs/schemas;
 * `npm run schemas` writes them.
 */
export function makeJsonSchemas(): Record<'starlift' | 'table', object> {
  return {
    starlift: { title: 'starlift.yml', ...z.toJSONSchema(projectGrammar) },
    table: {
      title: 'A file of tables/: a table of the warehouse',
      ...z.toJSONSchema(tableGrammar),
      oneOf: [{ required: ['fact'] }, { required: ['dimension'] }, { required: ['table'] }],
    },
  };
}

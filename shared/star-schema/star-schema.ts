import { assertNameLengths } from '../warehouse/warehouse-schema.ts';
import { assembleStarSchema, type StarSchema } from './assemble.ts';
import { definitions } from './load-definitions.ts';

/** The model of this project: its source tables and the warehouse tables made of them. */
export const starSchema: StarSchema = assembleProject();

/** What is wrong with a definition is wrong configuration to the command line, as its exit code says. */
function assembleProject(): StarSchema {
  try {
    const model = assembleStarSchema(definitions);
    assertNameLengths(model);
    return model;
  } catch (error) {
    throw Object.assign(error as Error, { exitCode: 2 });
  }
}

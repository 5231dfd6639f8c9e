import { assertNameLengths } from '../warehouse/warehouse-schema.ts';
import { definitions } from './load-definitions.ts';
import { assembleModel, type Model } from './model.ts';

/** The model of this project: its source tables and the warehouse tables made of them. */
export const starSchema: Model = assembleProject();

/** What is wrong with a definition is wrong configuration to the command line, as its exit code says. */
function assembleProject(): Model {
  try {
    const model = assembleModel({ name: 'totesys', tables: definitions });
    assertNameLengths(model);
    return model;
  } catch (error) {
    throw Object.assign(error as Error, { exitCode: 2 });
  }
}

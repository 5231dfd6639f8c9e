import { assembleStarSchema, type StarSchema } from './assemble.ts';
import { definitions } from './load-definitions.ts';

/** The model of this project: its source tables and the warehouse tables made of them. */
export const starSchema: StarSchema = assembleStarSchema(definitions);

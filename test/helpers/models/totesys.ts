import { fileURLToPath } from 'node:url';
import { loadProject } from '../../../cli/project/compile/compile.ts';
import { assembleModel } from '../../../shared/model/model.ts';

/** The model of the sample shop, as models/totesys defines it. */
export const totesysDefinition = loadProject(
  fileURLToPath(new URL('../../../models/totesys', import.meta.url)),
);

export const totesys = assembleModel(totesysDefinition);

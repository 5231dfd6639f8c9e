import { parseStage } from '../options/site-options.ts';
import { explainAwsError } from '../site/stage/find-stage.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

/** Takes a stage off AWS. */
export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const name = parseStage(values);
    if (name === undefined) throw new UsageError('--stage is missing: it names the stage to remove');
    const { removeStage } = await import('../deploy/remove-stage.ts');
    try {
      return await removeStage({ name, deletesData: values['delete-data'] === true, values }, terminal);
    } catch (error) {
      throw explainAwsError(error) ?? error;
    }
  },
};

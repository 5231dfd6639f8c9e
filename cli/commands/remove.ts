import { requireStage } from '../options/site-options.ts';
import { onAws } from '../site/stage/find-stage.ts';
import type { CommandModule } from './command-module.ts';

/** Takes a stage off AWS. */
export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const name = requireStage(values, 'to remove');
    const deletesData = values['delete-data'] === true;
    const { removeStage } = await import('../deploy/remove-stage.ts');
    return onAws(() => removeStage({ name, deletesData, values }, terminal));
  },
};

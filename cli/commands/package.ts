import { requireStage, textOption } from '../options/site-options.ts';
import { UsageError } from '../terminal/usage-error.ts';
import type { CommandModule } from './command-module.ts';

/** Writes a stage as plain CloudFormation. */
export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const name = requireStage(values, 'to write');
    const target = textOption(values.template);
    if (target === undefined)
      throw new UsageError('--template is missing: it names the folder to write into');
    const { packageStage } = await import('../deploy/package-stage.ts');
    return packageStage({ name, target, values }, terminal);
  },
};

import { requireStage } from '../options/site-options.ts';
import { onAws } from '../site/stage/find-stage.ts';
import type { CommandModule } from './command-module.ts';

/** Makes a stage on AWS, or brings one up to this version. */
export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const name = requireStage(values, 'to deploy');
    const { deployStage } = await import('../deploy/deploy-stage.ts');
    return onAws(() => deployStage(name, values, terminal));
  },
};

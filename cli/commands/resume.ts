import { requireStage } from '../options/site-options.ts';
import { formatStageOptions, onAws } from '../site/stage/find-stage.ts';
import type { CommandModule } from './command-module.ts';

/** Lets a stage work again as it was deployed. */
export const command: CommandModule = {
  run: async (values, _positionals, terminal) => {
    const name = requireStage(values, 'to resume');
    const { describeMended, resumeStage } = await import('../deploy/pause-stage.ts');
    const mended = await onAws(() => resumeStage(name));
    for (const sentence of describeMended(mended)) terminal.info(sentence);
    terminal.info(`The stage ${name.stage} works again. What has waited is loaded first; to follow it:`);
    terminal.info(`    npx starlift run${formatStageOptions(name)}`);
    return 0;
  },
};

import { describeCrashSweep } from './sweeps/crash-sweep.ts';

describeCrashSweep({
  name: 'the two runs after the first',
  count: (world) => world.countIncrementally(),
  crash: (world, point) => world.crashIncrementally(point),
});

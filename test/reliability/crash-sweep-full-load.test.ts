import { describeCrashSweep } from './sweeps/crash-sweep.ts';

describeCrashSweep({
  name: 'the first run',
  count: (world) => world.countInitially(),
  crash: (world, point) => world.crashInitially(point),
});

import { describeSeeds } from './schedules/seeds.ts';

describeSeeds('even');

import { describeSeeds } from './helpers/seeds.ts';

describeSeeds('even');

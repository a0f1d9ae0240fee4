import './ui/style/index.css';
import * as features from './shell/features';
import { start } from './shell/start';

start(Object.values(features), {
  places: import.meta.glob('./places/*.ts', { eager: true }),
  tabs: import.meta.glob('./tabs/*.ts', { eager: true }),
  waiting: import.meta.glob('./waiting/*.ts', { eager: true }),
});

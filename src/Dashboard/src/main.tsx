import './ui/style/index.css';
import * as features from './shell/features';
import { start } from './shell/start';
import { feature as swarm } from './shell/swarm';

start([...Object.values(features), swarm]);

// The first styles: those of features override them by order.
import './ui/style/index.css';
import { contributed } from './contributed';
import * as features from './shell/features';
import { start } from './shell/start';

start(Object.values(features), contributed);

/** Every feature of the page, one line each. Nothing else in the shell names a feature. */
export { feature as agent } from '../features/agent';
export { feature as approvals } from '../features/approvals';
export { feature as containers } from '../features/containers';
export { feature as files } from '../features/files';
export { feature as forge } from '../features/forge';
export { feature as home } from '../features/home';
export { feature as logs } from '../features/logs';
export { feature as loose } from '../features/loose';
export { feature as messages } from '../features/messages';
export { feature as meta } from '../features/meta';
export { feature as questions } from '../features/questions';
export { feature as reminders } from '../features/reminders';
export { feature as settings } from '../features/settings';
export { feature as stats } from '../features/stats';
export { feature as system } from '../features/system';
export { feature as tombstones } from '../features/tombstones';
export { feature as waiting } from '../features/waiting';

import type { Feature } from '../../ui/feature';
import { AgentPage } from './page';
import './section.css';

export const feature: Feature = {
  name: 'agent',
  places: [
    {
      match: (path) => /^\/agents\/([a-z][a-z0-9-]*)$/.exec(path)?.[1] ?? null,
      title: (name) => name,
      view: AgentPage,
    },
  ],
};

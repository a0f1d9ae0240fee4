import type { Feature } from '../../ui/feature';
import { agentIn } from './address';
import { AgentPage } from './page';
import './section.css';

export const feature: Feature = {
  name: 'agent',
  places: [
    {
      match: agentIn,
      title: (name) => name,
      view: AgentPage,
    },
  ],
};

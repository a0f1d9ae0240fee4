import { Part } from '../ui/part';
import type { Place } from '../ui/registry';

export const place: Place = {
  address: '/agents/:name/:tab?/:rest?',
  title: ({ name = '', tab, rest }) =>
    [tab === 'turns' && rest !== undefined ? `turn ${rest}` : tab, name].filter(Boolean).join(' · '),
  view: new Part(async () => (await import('../features/agent/page')).AgentPlace),
};

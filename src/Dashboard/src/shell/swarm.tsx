import { type Feature, inOrder, type SwarmSection } from '../ui/feature';

const drawn = ({ view: View }: SwarmSection, i: number) => <View key={i} />;

/** The whole swarm: the features' sections in a list, and the message flow beside it. */
function Swarm() {
  const sections = inOrder((feature) => feature.sections);
  return (
    <main class="deck" tabIndex={-1} aria-label="The swarm">
      <div class="swarm">{sections.filter(({ column }) => column === 'list').map(drawn)}</div>
      {sections.filter(({ column }) => column === 'beside').map(drawn)}
    </main>
  );
}

/** The first page. It takes every path that no other place takes: the host serves the page for known paths only. */
export const feature: Feature = {
  name: 'swarm',
  places: [
    {
      match: () => '',
      title: () => '',
      nav: { order: 10, to: '/', label: 'SW4RM', plain: 'Swarm' },
      view: Swarm,
    },
  ],
};

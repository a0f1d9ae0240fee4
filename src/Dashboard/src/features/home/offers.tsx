import { api } from '../../api/client';
import { ActionButton } from '../../ui/action-button';
import { changePreferences } from '../../ui/change-preferences';
import { preferences } from '../../ui/preferences';
import { containers } from '../containers';

/** The first visit: both spellings of the labels, until one of them is chosen here or in the settings. */
export function LabelsOffer() {
  if (preferences.value.labels_chosen) return null;
  const choose = (labels: 'wired' | 'plain') => void changePreferences({ labels, labels_chosen: true });
  return (
    <p class="home-offer" data-offer="labels">
      <span class="dim">Labels can be wired or plain:</span>{' '}
      <button type="button" class="act" onClick={() => choose('wired')}>
        <span aria-hidden="true">SW4RM</span>
        <span class="hidden">Use the wired labels</span>
      </button>{' '}
      <button type="button" class="act" onClick={() => choose('plain')}>
        Agents<span class="hidden">: use the plain labels</span>
      </button>
    </p>
  );
}

/** The agents of the demonstration, by the names that only the host gives. */
const DEMO = ['demo-ann', 'demo-bob'];

/** Removes the agents of the demonstration; one of that name that the operator made stays. */
export function DemoLine() {
  const here = DEMO.filter((name) => containers.agents.value.has(name));
  if (here.length === 0) return null;
  return (
    <div class="home-offer" data-offer="demo">
      <p>
        <span class="dim">{here.join(' and ')} show how it works.</span>{' '}
        <ActionButton
          action={{
            id: 'end demo',
            label: '✗ D3M0',
            of: `and remove ${here.join(' and ')} with their data`,
            run: () => api.POST('/api/demo-agents/remove'),
          }}
        />
      </p>
    </div>
  );
}

import { isOffered, KEYS, type KeyName, press } from '../ui/keys';
import { LABELS } from '../ui/labels';
import type { Command, CommandSource } from '../ui/registry';
import { act, selectedNow } from '../ui/selected';
import { commandsOf } from './agents';

/** The groups of keys that act on the selected thing. */
const GROUPS: readonly string[] = ['The selected thing', 'An agent'];

/** Everything that can be done with what is selected in the place that is shown. */
export const source: CommandSource = {
  order: 5,
  entries: () => {
    const selected = selectedNow();
    if (selected === null) return [];
    const { name, actions, texts = [], agent } = selected;
    const group = `selected · ${name}`;
    const named: Command[] = [
      ...actions.map((action) => ({
        // The latest entries come first: not the same action on another thing.
        id: `selected ${action.id} ${action.of}`,
        title: `${LABELS[action.label]} ${action.of}`,
        label: action.label,
        group,
        ...(action.key === undefined ? {} : { key: action.key }),
        run: () => act(selected, action),
      })),
      ...texts.map((one) => ({
        id: `selected ${one.id} ${one.of}`,
        title: `${LABELS[one.label]} ${one.of}`,
        label: one.label,
        group,
        ...(one.key === undefined ? {} : { key: one.key }),
        asks: () => ({
          title: `${LABELS[one.label]} ${one.of}`,
          text: { ...one, ...(selected.act === undefined ? {} : { act: selected.act }) },
        }),
      })),
      ...(agent === undefined ? [] : commandsOf(agent, group)),
    ];
    const byKey = (Object.keys(KEYS) as KeyName[]).filter(
      (key) =>
        GROUPS.includes(KEYS[key].group) &&
        key !== 'option' &&
        isOffered(key) &&
        !named.some((command) => command.key === key),
    );
    return [
      ...named,
      ...byKey.map((key) => ({
        id: `selected key ${key}`,
        title: `${KEYS[key].does}: ${name}`,
        group,
        key,
        run: () => press(key),
      })),
    ];
  },
};

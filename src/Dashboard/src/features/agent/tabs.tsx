import type { TargetedKeyboardEvent, TargetedMouseEvent } from 'preact';
import type { Agent } from '../../api/types';
import { keyOf } from '../../ui/keys';
import { Label } from '../../ui/label';
import { go } from '../../ui/link';
import type { AgentTab } from '../../ui/registry';

/** The address of an agent's tab; the first tab is the agent's own address. */
export const tabAddress = (name: string, tab: string): string =>
  tab === 'live' ? `/agents/${name}` : `/agents/${name}/${tab}`;

/** The tabs of an agent: links, among which the arrow keys move. */
export function Tabs({ agent, tabs, chosen }: { agent: Agent; tabs: readonly AgentTab[]; chosen: AgentTab | null }) {
  const open = (tab: AgentTab | undefined) => {
    if (tab !== undefined)
      go(tabAddress(agent.name, tab.name), () => document.getElementById(`tab-${tab.name}`)?.focus());
  };
  const onKeyDown = (e: TargetedKeyboardEvent<HTMLElement>) => {
    const by = e.key === 'ArrowRight' ? 1 : e.key === 'ArrowLeft' ? -1 : 0;
    if (by === 0) return;
    e.preventDefault();
    const at = tabs.findIndex((tab) => `tab-${tab.name}` === (e.target as HTMLElement).id);
    open(tabs[(at + by + tabs.length) % tabs.length]);
  };
  const onClick = (tab: AgentTab) => (e: TargetedMouseEvent<HTMLAnchorElement>) => {
    if (e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    open(tab);
  };
  const next = keyOf('tab');
  return (
    <div class="tabs" role="tablist" aria-label={`Tabs of ${agent.name}`} tabIndex={-1} onKeyDown={onKeyDown}>
      {tabs.map((tab, i) => {
        const isChosen = tab === chosen;
        const count = tab.count?.(agent);
        return (
          <a
            key={tab.name}
            id={`tab-${tab.name}`}
            class="tab"
            role="tab"
            href={tabAddress(agent.name, tab.name)}
            aria-selected={isChosen}
            {...(isChosen ? { 'aria-controls': 'tab-panel' } : {})}
            tabIndex={isChosen || (chosen === null && i === 0) ? 0 : -1}
            {...(next === '' ? {} : { title: `Next tab: ${next}` })}
            onClick={onClick(tab)}
          >
            <Label text={tab.label} />
            {count === undefined || count === null ? null : <span class="n tab-count"> {count}</span>}
          </a>
        );
      })}
    </div>
  );
}

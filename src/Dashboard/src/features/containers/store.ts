import { computed, signal } from '@preact/signals';
import type { Agent, Snapshot, Transient } from '../../api/types';

/** The agents, and the work on their containers that is under way. */
export class Containers {
  readonly agents = signal<ReadonlyMap<string, Agent>>(new Map());
  readonly transients = signal<ReadonlyMap<string, Transient>>(new Map());
  readonly names = computed(() => [...this.agents.value.keys()].sort());

  snapshot({ agents, transients }: Pick<Snapshot, 'agents' | 'transients'>): void {
    this.agents.value = new Map(agents.map((agent) => [agent.name, agent]));
    this.transients.value = new Map(transients.map((transient) => [transient.name, transient]));
  }

  put(agent: Agent): void {
    this.agents.value = new Map(this.agents.value).set(agent.name, agent);
  }

  remove(name: string): void {
    this.agents.value = without(this.agents.value, name);
    this.clear(name);
  }

  begin(transient: Transient): void {
    this.transients.value = new Map(this.transients.value).set(transient.name, transient);
  }

  clear(name: string): void {
    this.transients.value = without(this.transients.value, name);
  }
}

function without<T>(map: ReadonlyMap<string, T>, name: string): ReadonlyMap<string, T> {
  if (!map.has(name)) return map;
  const rest = new Map(map);
  rest.delete(name);
  return rest;
}

export const containers = new Containers();

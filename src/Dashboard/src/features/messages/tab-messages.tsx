import type { Agent } from '../../api/types';
import { query } from '../../ui/address';
import { setQuery } from '../../ui/link';
import { MessageList } from './list';
import { useFiltered } from './page';
import { Prompt } from './prompt';

/** The conversation of the operator with an agent, or all that the agent wrote and got. */
export function AgentMessages({ agent: { name } }: { agent: Agent; rest: string | undefined }) {
  const all = query.value.get('all') !== null;
  const log = useFiltered(all ? { agent: name } : { agent: name, with: 'operator' });
  return (
    <section class="agent-messages feature-messages" aria-label={`Messages of ${name}`}>
      <div class="filters">
        <span class="filter-chips">
          <button
            type="button"
            class={`chip ${all ? '' : 'chosen'}`}
            aria-pressed={!all}
            onClick={() => setQuery({ all: null })}
          >
            you and <bdi>{name}</bdi>
          </button>
          <button
            type="button"
            class={`chip ${all ? 'chosen' : ''}`}
            aria-pressed={all}
            onClick={() => setQuery({ all: '1' })}
          >
            all it wrote and got
          </button>
        </span>
      </div>
      <MessageList
        id="conversation"
        label={all ? `Messages from and to ${name}` : `Your conversation with ${name}`}
        log={log}
        folds={all}
        empty={<p class="empty">{all ? `${name} has neither written nor got a message.` : 'Nothing was said yet.'}</p>}
      />
      <Prompt name={name} />
    </section>
  );
}
